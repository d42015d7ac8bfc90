package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multistream"
)

const (
	manyStreams    = 10_000
	streamsAtOnce  = 256
	streamPatience = 10 * time.Second
)

// runHostileStreams opens thousands of kad streams on one connection, asks on each and closes none.
func runHostileStreams(ctx context.Context, e *env) error {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return err
	}
	var answered, refused atomic.Int64
	var asking sync.WaitGroup
	slots := make(chan struct{}, streamsAtOnce)
	for range manyStreams {
		slots <- struct{}{}
		asking.Add(1)
		go func() {
			defer func() { <-slots; asking.Done() }()
			if askOnNewStream(ctx, conn, h.ID()) == nil {
				answered.Add(1)
			} else {
				refused.Add(1)
			}
		}()
	}
	asking.Wait()
	e.facts["answered"], e.facts["refused"] = answered.Load(), refused.Load()
	e.facts["connection_closed"] = conn.IsClosed()
	return nil
}

// askOnNewStream leaves the stream open.
func askOnNewStream(ctx context.Context, conn network.Conn, key peer.ID) error {
	ctx, stop := context.WithTimeout(ctx, streamPatience)
	defer stop()
	stream, err := conn.NewStream(ctx)
	if err != nil {
		return err
	}
	if err := stream.SetDeadline(time.Now().Add(streamPatience)); err != nil {
		return err
	}
	if err := multistream.SelectProtoOrFail(kadProtocol, stream); err != nil {
		return err
	}
	_, err = newKadStream(stream).findNode(key)
	return err
}

// checkAnswers sees whether a client that misbehaved on one stream is still served on another, or has lost its connection: both
// are sound.
func (e *env) checkAnswers(ctx context.Context, h host.Host, conn network.Conn) error {
	e.facts["connection_closed"] = conn.IsClosed()
	if conn.IsClosed() {
		return nil
	}
	limited, stop := context.WithTimeout(network.WithNoDial(ctx, "interop"), rpcLimit)
	defer stop()
	kad, err := e.openKad(limited, h)
	if err != nil {
		return fmt.Errorf("afterwards: %w", err)
	}
	if _, err := kad.ask(&pb.Message{Type: pb.Message_FIND_NODE, Key: []byte(h.ID())}); err != nil {
		return fmt.Errorf("afterwards: %w", err)
	}
	return nil
}
