package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/discovery"
	"github.com/libp2p/go-libp2p/core/peer"
	query "github.com/libp2p/go-libp2p/core/routing"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
	"golang.org/x/sync/errgroup"
)

const (
	everyoneLimit = 60 * time.Second
	filledLimit   = 60 * time.Second
	lookLimit     = 10 * time.Second
)

// runFederation is a network of clients that know one node each: they advertise one string and look for each other, as the
// collectors do, until SIGTERM.
func runFederation(ctx context.Context, e *env) error {
	clients, err := e.joinEvenly(ctx)
	if err != nil {
		return err
	}
	e.facts["clients"] = len(clients)
	began := time.Now()
	if err := e.everyoneFindsEveryone(ctx, clients); err != nil {
		return err
	}
	e.facts["everyone_after_ms"] = milliseconds(began)
	if err := awaitTables(ctx, clients, e.nodes); err != nil {
		return err
	}
	e.facts["tables_after_ms"] = milliseconds(began)
	life, err := e.standBy(ctx)
	if err != nil {
		return err
	}

	seen := e.watchTables(clients)
	var polls, incomplete atomic.Int64
	var busy sync.WaitGroup
	busy.Add(1)
	go func() { defer busy.Done(); seen.run(life) }()
	for _, kad := range clients {
		busy.Add(2)
		go func() { defer busy.Done(); e.keepAdvertising(life, kad) }()
		go func() {
			defer busy.Done()
			for rest(life, spread(e.pollEvery)) == nil {
				found := len(providersOf(life, kad, e.rendezvous))
				if life.Err() != nil {
					return
				}
				polls.Add(1)
				if found < len(clients) {
					incomplete.Add(1)
				}
			}
		}()
	}
	busy.Wait()
	e.facts["polls"], e.facts["incomplete_polls"], e.facts["nodes"] = polls.Load(), incomplete.Load(), seen.facts()
	return nil
}

// joinEvenly makes e.clients for each node, which is all that they know.
func (e *env) joinEvenly(ctx context.Context) ([]*dht.IpfsDHT, error) {
	clients := make([]*dht.IpfsDHT, e.clients*len(e.nodes))
	group, joining := errgroup.WithContext(ctx)
	group.SetLimit(e.batch)
	for i := range clients {
		group.Go(func() error {
			h, err := e.newHost("127.0.0.1")
			if err != nil {
				return err
			}
			// it outlives the group's context
			if clients[i], err = e.newDHT(ctx, h); err != nil {
				return err
			}
			return connectTo(joining, clients[i], e.nodes[i%len(e.nodes)])
		})
	}
	return clients, group.Wait()
}

func connectTo(ctx context.Context, kad *dht.IpfsDHT, node peer.AddrInfo) error {
	ctx, stop := context.WithTimeout(ctx, connectLimit)
	defer stop()
	if err := kad.Host().Connect(ctx, node); err != nil {
		return fmt.Errorf("connect to %s: %w", node.ID, err)
	}
	return await(ctx, connectLimit, "the node in the client's routing table", func() (bool, error) {
		return kad.RoutingTable().Find(node.ID) != "", nil
	})
}

func (e *env) everyoneFindsEveryone(ctx context.Context, clients []*dht.IpfsDHT) error {
	ctx, stop := context.WithTimeout(ctx, everyoneLimit)
	defer stop()
	group, meeting := errgroup.WithContext(ctx)
	group.SetLimit(e.batch)
	for _, kad := range clients {
		group.Go(func() error { return advertise(meeting, kad, e.rendezvous) })
	}
	if err := group.Wait(); err != nil {
		return fmt.Errorf("advertise: %w", err)
	}
	group, meeting = errgroup.WithContext(ctx)
	group.SetLimit(e.batch)
	for i, kad := range clients {
		group.Go(func() error {
			what := fmt.Sprintf("client %d finds all %d", i, len(clients))
			return await(meeting, everyoneLimit, what, func() (bool, error) {
				return len(providersOf(meeting, kad, e.rendezvous)) == len(clients), nil
			})
		})
	}
	return group.Wait()
}

func (e *env) keepAdvertising(ctx context.Context, kad *dht.IpfsDHT) {
	for rest(ctx, spread(e.advertiseEvery)) == nil {
		if err := advertise(ctx, kad, e.rendezvous); err != nil && ctx.Err() == nil {
			e.progress("advertise: %v", err)
		}
	}
}

func advertise(ctx context.Context, kad *dht.IpfsDHT, rendezvous string) error {
	_, err := routing.NewRoutingDiscovery(kad).Advertise(ctx, rendezvous, discovery.TTL(3*time.Hour))
	return err
}

// providersOf is FindPeers without its limit of 100: who is found with addresses.
func providersOf(ctx context.Context, kad *dht.IpfsDHT, rendezvous string) map[peer.ID]bool {
	found := make(map[peer.ID]bool)
	key, err := rendezvousKey(rendezvous)
	if err != nil {
		return found
	}
	ctx, stop := context.WithTimeout(ctx, lookLimit)
	defer stop()
	for info := range kad.FindProvidersAsync(ctx, cid.NewCidV1(cid.Raw, key), 0) {
		if len(info.Addrs) > 0 {
			found[info.ID] = true
		}
	}
	return found
}

// spread is a time around d, so that clients do not all do something at once.
func spread(d time.Duration) time.Duration {
	return d/2 + rand.N(d)
}

// runNewcomer knows one node: all who provide the key have to be found through it.
func runNewcomer(ctx context.Context, e *env) error {
	c, err := e.join(ctx, "the newcomer")
	if err != nil {
		return err
	}
	began := time.Now()
	// the second look is one among nodes that it knows
	for _, look := range []string{"found", "found_again"} {
		e.facts[look], e.facts[look+"_asking"] = lookAndCount(ctx, c.kad, e.rendezvous)
		e.facts[look+"_after_ms"] = milliseconds(began)
	}
	return nil
}

// lookAndCount gives the providers found, and the peers asked for them.
func lookAndCount(ctx context.Context, kad *dht.IpfsDHT, rendezvous string) (found, asked int) {
	listening, stop := context.WithCancel(ctx)
	asking, events := query.RegisterForQueryEvents(listening)
	peers := make(map[peer.ID]bool)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for event := range events {
			if event.Type == query.SendingQuery {
				peers[event.ID] = true
			}
		}
	}()
	found = len(providersOf(asking, kad, rendezvous))
	stop()
	<-done
	return found, len(peers)
}

// runFilled asks one node on the wire until it answers with all who provide the key, without the help of other nodes.
func runFilled(ctx context.Context, e *env) error {
	key, err := rendezvousKey(e.rendezvous)
	if err != nil {
		return err
	}
	h, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, h)
	if err != nil {
		return err
	}
	began := time.Now()
	first := true
	err = await(ctx, filledLimit, fmt.Sprintf("%d providers", e.want), func() (bool, error) {
		providers, err := kad.getProviders(key)
		if first {
			e.facts["first_answer"], first = len(providers), false
		}
		return len(providers) == e.want, err
	})
	e.facts["filled_after_ms"] = milliseconds(began)
	return err
}
