package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
)

func runHandshake(ctx context.Context, e *env) error {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return err
	}
	state := conn.ConnState()
	e.facts["security"], e.facts["muxer"] = state.Security, state.StreamMultiplexer
	e.facts["early_muxer"] = state.UsedEarlyMuxerNegotiation
	preferred, _, _ := strings.Cut(e.security, ",")
	if want := map[string]protocol.ID{"tls": libp2ptls.ID, "noise": noise.ID}[preferred]; state.Security != want {
		return fmt.Errorf("the connection uses %s, the client prefers %s", state.Security, want)
	}
	if state.StreamMultiplexer != "/yamux/1.0.0" {
		return fmt.Errorf("the muxer is %q", state.StreamMultiplexer)
	}
	if !state.UsedEarlyMuxerNegotiation {
		return fmt.Errorf("the muxer was negotiated in a round trip of its own")
	}

	ctx, stop := context.WithTimeout(ctx, rpcLimit)
	defer stop()
	var slowest time.Duration
	answers := ping.Ping(ctx, h, e.node.ID)
	for i := 0; i < 5; i++ {
		answer, open := <-answers
		if !open {
			return fmt.Errorf("ping %d: no answer within %s", i+1, rpcLimit)
		}
		if answer.Error != nil {
			return fmt.Errorf("ping %d: %w", i+1, answer.Error)
		}
		slowest = max(slowest, answer.RTT)
	}
	e.facts["slowest_ping_ms"] = slowest.Seconds() * 1000
	return nil
}
