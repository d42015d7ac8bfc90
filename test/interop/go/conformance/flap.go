package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"golang.org/x/sync/errgroup"

	"interop/powerloom"
)

// runFlap lets clients join and watches from their side whether the node leaves their gossipsub again: a node that drops
// a peer closes the peer's meshsub stream, at which the peer drops the node and opens the next stream.
func runFlap(ctx context.Context, e *env) error {
	watches := make([]*watch, e.clients)
	group, joining := errgroup.WithContext(ctx)
	group.SetLimit(e.batch)
	for i := range watches {
		group.Go(func() (err error) {
			watches[i], err = e.joinTopics(joining, i)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	e.progress("%d clients joined", e.clients)
	if err := rest(ctx, e.watch); err != nil {
		return err
	}

	var flapped, missing []int
	events := make(map[int][]string)
	for i, w := range watches {
		seen := w.events()
		switch {
		case slices.ContainsFunc(seen, func(s sighting) bool { return s.what == "removed" }):
			flapped = append(flapped, i)
			for _, s := range seen {
				events[i] = append(events[i], fmt.Sprintf("%s after %d ms", s.what, s.at.Milliseconds()))
			}
		case len(seen) == 0:
			missing = append(missing, i)
		}
	}
	e.facts["clients"], e.facts["flapped"], e.facts["missing"] = e.clients, len(flapped), len(missing)
	if len(flapped) > 0 {
		e.facts["events"] = events
		return fmt.Errorf("the node left the gossipsub of %d of %d clients after they had joined", len(flapped), e.clients)
	}
	if len(missing) > 0 {
		return fmt.Errorf("the node never appeared in the gossipsub of %d of %d clients", len(missing), e.clients)
	}
	return nil
}

// joinTopics joins as the real clients do; every second one builds its gossipsub only once it is connected.
func (e *env) joinTopics(ctx context.Context, i int) (*watch, error) {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return nil, err
	}
	if _, err := e.newDHT(ctx, h); err != nil {
		return nil, err
	}
	w := &watch{node: e.node.ID, began: time.Now()}
	steps := []func() error{
		func() error { return subscribe(ctx, e, h, w) },
		func() error { _, err := e.connect(ctx, h); return err },
	}
	if i%2 == 1 {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, fmt.Errorf("client %d: %w", i, err)
		}
	}
	return w, nil
}

func subscribe(ctx context.Context, e *env, h host.Host, w *watch) error {
	// the case's own context ends with the case; the group's would end when all have joined
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	e.atEnd(func() error { stop(); return nil })
	ps, err := newGossip(life, h, pubsub.WithRawTracer(w))
	if err != nil {
		return err
	}
	for _, name := range powerloom.Topics(powerloom.TopicPrefix) {
		topic, err := ps.Join(name)
		if err != nil {
			return err
		}
		if _, err := topic.Subscribe(); err != nil {
			return err
		}
	}
	return nil
}

type sighting struct {
	what string
	at   time.Duration
}

// watch notes when the node enters and leaves a client's gossipsub.
type watch struct {
	node  peer.ID
	began time.Time
	mu    sync.Mutex
	seen  []sighting
}

func (w *watch) note(what string, p peer.ID) {
	if p != w.node {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seen = append(w.seen, sighting{what, time.Since(w.began)})
}

func (w *watch) events() []sighting {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.seen)
}

// The rest of pubsub.RawTracer.

func (w *watch) AddPeer(p peer.ID, _ protocol.ID)      { w.note("added", p) }
func (w *watch) RemovePeer(p peer.ID)                  { w.note("removed", p) }
func (w *watch) Join(string)                           {}
func (w *watch) Leave(string)                          {}
func (w *watch) Graft(peer.ID, string)                 {}
func (w *watch) Prune(peer.ID, string)                 {}
func (w *watch) ValidateMessage(*pubsub.Message)       {}
func (w *watch) DeliverMessage(*pubsub.Message)        {}
func (w *watch) RejectMessage(*pubsub.Message, string) {}
func (w *watch) DuplicateMessage(*pubsub.Message)      {}
func (w *watch) ThrottlePeer(peer.ID)                  {}
func (w *watch) RecvRPC(*pubsub.RPC)                   {}
func (w *watch) SendRPC(*pubsub.RPC, peer.ID)          {}
func (w *watch) DropRPC(*pubsub.RPC, peer.ID)          {}
func (w *watch) UndeliverableMessage(*pubsub.Message)  {}
