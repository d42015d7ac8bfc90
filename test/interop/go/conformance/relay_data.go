package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	relay "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
)

const (
	sinkProtocol = "/interop/sink/1.0.0"
	dataLimit    = 128 << 10
	dataChunk    = 8 << 10
)

// runRelayData sends half of what a circuit may carry in one direction, every chunk acknowledged, and then more than the
// rest: the node must cut the circuit, and not early.
func runRelayData(ctx context.Context, e *env) error {
	a, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	if _, err := relay.Reserve(ctx, a, e.node); err != nil {
		return fmt.Errorf("reserve: %w", err)
	}
	var received atomic.Int64
	a.SetStreamHandler(sinkProtocol, func(s network.Stream) { acknowledge(s, &received) })

	c, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	if err := c.Connect(ctx, e.overRelay(a.ID())); err != nil {
		return fmt.Errorf("C dials A over the circuit: %w", err)
	}
	cut := whenCut(c, a)
	stream, err := c.NewStream(network.WithAllowLimitedConn(ctx, "interop"), a.ID(), sinkProtocol)
	if err != nil {
		return fmt.Errorf("a stream over the circuit: %w", err)
	}
	if err := stream.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	sent, chunk, total := 0, make([]byte, dataChunk), make([]byte, 8)
	for sent < dataLimit/2 {
		if _, err := stream.Write(chunk); err != nil {
			return fmt.Errorf("the circuit ended after %d bytes: %w", sent, err)
		}
		sent += len(chunk)
		if _, err := io.ReadFull(stream, total); err != nil {
			return fmt.Errorf("the circuit ended at %d bytes: %w", sent, err)
		}
		if got := binary.BigEndian.Uint64(total); got != uint64(sent) {
			return fmt.Errorf("A received %d bytes of %d", got, sent)
		}
	}
	for sent < 4*dataLimit {
		n, err := stream.Write(chunk)
		sent += n
		if err != nil {
			e.progress("after %d bytes: %v", sent, err)
			break
		}
	}
	select {
	case <-cut:
	case <-time.After(10 * time.Second):
		return fmt.Errorf("the circuit is still up after %d bytes one way", sent)
	}
	got := received.Load()
	e.facts["sent"], e.facts["received"] = sent, got
	if got > dataLimit {
		return fmt.Errorf("A received %d bytes, the limit is %d", got, dataLimit)
	}
	return nil
}

// acknowledge answers each chunk with the sum of the bytes so far.
func acknowledge(s network.Stream, received *atomic.Int64) {
	chunk := make([]byte, dataChunk)
	for {
		n, err := io.ReadFull(s, chunk)
		sum := received.Add(int64(n))
		if err != nil {
			return
		}
		if _, err := s.Write(binary.BigEndian.AppendUint64(nil, uint64(sum))); err != nil {
			return
		}
	}
}

// whenCut receives something once C loses its connection to A.
func whenCut(c, a host.Host) <-chan struct{} {
	cut := make(chan struct{}, 1)
	c.Network().Notify(&network.NotifyBundle{DisconnectedF: func(_ network.Network, conn network.Conn) {
		if conn.RemotePeer() == a.ID() {
			cut <- struct{}{}
		}
	}})
	return cut
}
