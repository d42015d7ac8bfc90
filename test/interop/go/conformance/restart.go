package main

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
	"golang.org/x/sync/errgroup"
)

const (
	pollEvery = time.Second
	// a search waits for whoever it dials; the discovery of pubsub sets no limit of its own
	pollLimit = 20 * time.Second
	lookEvery = 20 * time.Millisecond
)

// survivor is a client that provides a key and searches for it once a second through its own routing table, as the
// discovery of pubsub does. Times are Unix milliseconds, 0 for never.
type survivor struct {
	*client
	env        *env
	rendezvous string

	mu sync.Mutex
	// its last connection to the node, and the end of the last but one
	Connected    int64 `json:"connected"`
	Disconnected int64 `json:"disconnected"`
	// the end of the last time in which its table did not hold the node; InTable is about now
	Back    int64 `json:"back"`
	InTable bool  `json:"in_table"`
	// the first search after the last disconnection that found others
	Served int64 `json:"served"`
	Polls  int   `json:"polls"`
	Failed int   `json:"failed"`
}

// runRestart lets clients search until SIGTERM, and tells what each of them has seen of the node's restarts.
func runRestart(ctx context.Context, e *env) error {
	survivors, err := e.newSurvivors(ctx)
	if err != nil {
		return err
	}
	providers := make(map[string][]string)
	for _, s := range survivors {
		providers[s.rendezvous] = append(providers[s.rendezvous], s.host.ID().String())
	}
	e.facts["providers"] = providers
	life, err := e.standBy(ctx)
	if err != nil {
		return err
	}
	var living sync.WaitGroup
	for i, s := range survivors {
		living.Add(2)
		go func() { defer living.Done(); s.watch(life) }()
		go func() {
			defer living.Done()
			s.search(life, pollEvery*time.Duration(i)/time.Duration(len(survivors)))
		}()
	}
	living.Wait()
	// now: when their hosts are closed, they lose the node once more
	seen, err := json.Marshal(survivors)
	e.facts["clients"] = json.RawMessage(seen)
	return err
}

func (e *env) newSurvivors(ctx context.Context) ([]*survivor, error) {
	survivors := make([]*survivor, e.clients)
	// no context of its own: a DHT ends with the one that it was made with
	var group errgroup.Group
	group.SetLimit(e.batch)
	for i := range survivors {
		group.Go(func() (err error) {
			survivors[i], err = e.newSurvivor(ctx, i)
			return err
		})
	}
	return survivors, group.Wait()
}

func (e *env) newSurvivor(ctx context.Context, i int) (*survivor, error) {
	c, err := e.join(ctx, fmt.Sprintf("client %d", i))
	if err != nil {
		return nil, err
	}
	s := &survivor{client: c, env: e, rendezvous: fmt.Sprintf("%s/%d", e.rendezvous, i%e.keys), InTable: true}
	key, err := rendezvousKey(s.rendezvous)
	if err != nil {
		return nil, err
	}
	if err := c.kad.Provide(ctx, cid.NewCidV1(cid.Raw, key), true); err != nil {
		return nil, fmt.Errorf("client %d provides: %w", i, err)
	}
	toNode := func(note func()) func(network.Network, network.Conn) {
		return func(_ network.Network, conn network.Conn) {
			if conn.RemotePeer() == e.node.ID {
				s.mu.Lock()
				defer s.mu.Unlock()
				note()
			}
		}
	}
	c.host.Network().Notify(&network.NotifyBundle{
		ConnectedF:    toNode(func() { s.Connected = time.Now().UnixMilli() }),
		DisconnectedF: toNode(func() { s.Disconnected, s.Served = time.Now().UnixMilli(), 0 }),
	})
	return s, nil
}

// watch looks into the routing table, which tells nobody when it changes.
func (s *survivor) watch(ctx context.Context) {
	for rest(ctx, lookEvery) == nil {
		found := s.kad.RoutingTable().Find(s.env.node.ID) != ""
		s.mu.Lock()
		if found && !s.InTable {
			s.Back = time.Now().UnixMilli()
		}
		s.InTable = found
		s.mu.Unlock()
	}
}

func (s *survivor) search(ctx context.Context, phase time.Duration) {
	due := time.Now().Add(phase)
	for rest(ctx, time.Until(due)) == nil {
		began := time.Now()
		found := s.findsOthers(ctx)
		if ctx.Err() != nil {
			return
		}
		s.mu.Lock()
		s.Polls++
		if !found {
			s.Failed++
		} else if s.Served == 0 && began.UnixMilli() >= s.Disconnected {
			s.Served = time.Now().UnixMilli()
		}
		s.mu.Unlock()
		for due = due.Add(pollEvery); due.Before(time.Now()); {
			due = due.Add(pollEvery)
		}
	}
}

func (s *survivor) findsOthers(ctx context.Context) bool {
	ctx, stop := context.WithTimeout(ctx, pollLimit)
	defer stop()
	results, err := routing.NewRoutingDiscovery(s.kad).FindPeers(ctx, s.rendezvous)
	if err != nil {
		return false
	}
	others := 0
	for info := range results {
		if info.ID != s.host.ID() {
			others++
		}
	}
	return others > 0
}
