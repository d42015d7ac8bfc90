package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"golang.org/x/sync/errgroup"
)

// runIdle holds, at the same time, a connection on which nothing happens, a kad stream that rests between two
// requests, and a kad stream that rests for good.
func runIdle(ctx context.Context, e *env) error {
	var restedEnd endOfStream
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return e.idleConnection(ctx) })
	group.Go(func() error { return e.restingStream(ctx) })
	group.Go(func() (err error) {
		restedEnd, err = e.abandonedStream(ctx)
		return err
	})
	err := group.Wait()
	e.facts["abandoned_stream"], e.facts["abandoned_stream_after_s"] = restedEnd.how, restedEnd.afterSeconds
	return err
}

// idleHost is a connected client and the number of times that it lost the node.
func (e *env) idleHost(ctx context.Context) (host.Host, *atomic.Int64, error) {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return nil, nil, err
	}
	lost := new(atomic.Int64)
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { lost.Add(1) }})
	_, err = e.connect(ctx, h)
	return h, lost, err
}

func (e *env) idleConnection(ctx context.Context) error {
	h, lost, err := e.idleHost(ctx)
	if err != nil {
		return err
	}
	if err := rest(ctx, e.idle); err != nil {
		return err
	}
	if lost.Load() > 0 {
		return fmt.Errorf("the node closed an idle connection within %s", e.idle)
	}
	limited, stop := context.WithTimeout(network.WithNoDial(ctx, "interop"), rpcLimit)
	defer stop()
	if answer, open := <-ping.Ping(limited, h, e.node.ID); !open {
		return fmt.Errorf("ping after %s of idleness: no answer within %s", e.idle, rpcLimit)
	} else if answer.Error != nil {
		return fmt.Errorf("ping after %s of idleness: %w", e.idle, answer.Error)
	}
	kad, err := e.openKad(limited, h)
	if err != nil {
		return err
	}
	if _, err := kad.findNode(h.ID()); err != nil {
		return fmt.Errorf("after %s of idleness: %w", e.idle, err)
	}
	return nil
}

func (e *env) restingStream(ctx context.Context) error {
	h, _, err := e.idleHost(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, h)
	if err != nil {
		return err
	}
	for round := range 2 {
		if round > 0 {
			if err := rest(ctx, e.streamIdle); err != nil {
				return err
			}
		}
		if _, err := kad.findNode(h.ID()); err != nil {
			return fmt.Errorf("request %d on a stream that rests for %s: %w", round+1, e.streamIdle, err)
		}
	}
	return nil
}

type endOfStream struct {
	how          string
	afterSeconds float64
}

// abandonedStream tells what becomes of a stream after its last request, until the idle time is over.
func (e *env) abandonedStream(ctx context.Context) (end endOfStream, err error) {
	h, lost, err := e.idleHost(ctx)
	if err != nil {
		return end, err
	}
	kad, err := e.openKad(ctx, h)
	if err != nil {
		return end, err
	}
	if _, err := kad.ask(&pb.Message{Type: pb.Message_FIND_NODE, Key: []byte(h.ID())}); err != nil {
		return end, err
	}
	began := time.Now()
	if err := kad.stream.SetReadDeadline(began.Add(e.idle)); err != nil {
		return end, err
	}
	_, err = kad.stream.Read(make([]byte, 1))
	end.afterSeconds = time.Since(began).Seconds()
	switch {
	case err == nil:
		return end, errors.New("the node sent something on a stream without being asked")
	case errors.Is(err, io.EOF):
		end.how = "closed"
	case errors.Is(err, network.ErrReset):
		end.how = "reset"
	case time.Since(began) >= e.idle:
		end.how = "open"
	default:
		return end, fmt.Errorf("a stream that rests: %w", err)
	}
	if lost.Load() > 0 {
		return end, errors.New("the node closed the connection of a resting stream")
	}
	return end, nil
}
