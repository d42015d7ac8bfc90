package main

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
)

// runBurst lets many clients dial, a batch at a time, and tells who got in and who of them lost the node afterwards.
func runBurst(ctx context.Context, e *env) error {
	lost := new(atomic.Int64)
	hosts := make([]host.Host, e.clients)
	for i := range hosts {
		h, err := e.newHost("127.0.0.1")
		if err != nil {
			return err
		}
		hosts[i] = h
	}
	e.progress("%d clients are ready to dial", e.clients)

	began := time.Now()
	var (
		mu       sync.Mutex
		accepted []host.Host
		refused  int
		dialing  sync.WaitGroup
	)
	slots := make(chan struct{}, e.batch)
	for _, h := range hosts {
		slots <- struct{}{}
		dialing.Add(1)
		go func() {
			defer func() { <-slots; dialing.Done() }()
			_, err := e.connect(ctx, h)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				refused++
				e.facts["first_refusal"] = err.Error()
				return
			}
			accepted = append(accepted, h)
		}()
	}
	e.facts["last_dial_after_ms"] = milliseconds(began)
	dialing.Wait()
	e.facts["accepted"], e.facts["refused"], e.facts["done_after_ms"] = len(accepted), refused, milliseconds(began)

	for _, h := range accepted {
		watching := &network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { lost.Add(1) }}
		h.Network().Notify(watching)
		e.atEnd(func() error { h.Network().StopNotify(watching); return nil })
	}
	if err := rest(ctx, e.watch); err != nil {
		return err
	}
	connected := 0
	for _, h := range accepted {
		connected += len(h.Network().ConnsToPeer(e.node.ID))
	}
	e.facts["connected"], e.facts["lost"] = connected, lost.Load()
	return nil
}
