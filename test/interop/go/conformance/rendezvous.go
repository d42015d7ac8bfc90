package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
	"github.com/libp2p/go-libp2p/p2p/discovery/util"

	"github.com/ipfs/go-cid"
)

const findLimit = 5 * time.Second

// runRendezvous is what the collectors do: advertise a string, find each other by it, dial directly, talk.
func runRendezvous(ctx context.Context, e *env) error {
	a, err := e.join(ctx, "A")
	if err != nil {
		return err
	}
	b, err := e.join(ctx, "B")
	if err != nil {
		return err
	}

	provided := "interop/provide/" + rand.Text()
	key, err := rendezvousKey(provided)
	if err != nil {
		return err
	}
	if err := a.kad.Provide(ctx, cid.NewCidV1(cid.Raw, key), true); err != nil {
		return fmt.Errorf("A provides the key: %w", err)
	}
	if _, err := e.findPeer(ctx, b, provided, a.host.ID()); err != nil {
		return fmt.Errorf("after Provide: %w", err)
	}

	advertised := "interop/advertise/" + rand.Text()
	began := time.Now()
	util.Advertise(ctx, routing.NewRoutingDiscovery(a.kad), advertised)
	found, err := e.findPeer(ctx, b, advertised, a.host.ID())
	if err != nil {
		return fmt.Errorf("after Advertise: %w", err)
	}
	e.facts["found_after_ms"] = milliseconds(began)
	e.facts["found_addresses"] = len(found.Addrs)

	// gossipsub first: a client whose peer has none yet opens its stream only after the peer's identify-push
	topic := "interop/" + rand.Text()
	memberA, err := a.joinTopic(ctx, topic)
	if err != nil {
		return err
	}
	memberB, err := b.joinTopic(ctx, topic)
	if err != nil {
		return err
	}
	if err := b.host.Connect(ctx, found); err != nil {
		return fmt.Errorf("B dials A: %w", err)
	}
	direct := b.host.Network().ConnsToPeer(a.host.ID())[0]
	if direct.Stat().Limited {
		return fmt.Errorf("B reached A over a relay: %s", direct.RemoteMultiaddr())
	}
	e.progress("B dialed A at %s", direct.RemoteMultiaddr())
	return e.talk(ctx, memberA, memberB)
}

// runDiscovery leaves it to pubsub's discovery: floodsub:<topic> keys, polled every second.
func runDiscovery(ctx context.Context, e *env) error {
	a, err := e.join(ctx, "A")
	if err != nil {
		return err
	}
	b, err := e.join(ctx, "B")
	if err != nil {
		return err
	}
	topic := "interop/" + rand.Text()
	memberA, err := a.joinTopic(ctx, topic, pubsub.WithDiscovery(routing.NewRoutingDiscovery(a.kad)))
	if err != nil {
		return err
	}
	// one after the other: two clients that dial each other in the same moment can miss each other's streams
	if _, err := e.findPeer(ctx, b, "floodsub:"+topic, a.host.ID()); err != nil {
		return fmt.Errorf("the topic's key: %w", err)
	}
	memberB, err := b.joinTopic(ctx, topic, pubsub.WithDiscovery(routing.NewRoutingDiscovery(b.kad)))
	if err != nil {
		return err
	}
	return e.talk(ctx, memberA, memberB)
}

// findPeer searches until who is found with addresses; a search that ends without is repeated.
func (e *env) findPeer(ctx context.Context, c *client, rendezvous string, who peer.ID) (found peer.AddrInfo, err error) {
	finder := routing.NewRoutingDiscovery(c.kad)
	err = await(ctx, findLimit, "FindPeers returns the advertiser with addresses", func() (bool, error) {
		results, err := finder.FindPeers(ctx, rendezvous)
		if err != nil {
			return false, err
		}
		for info := range results {
			if info.ID == who && len(info.Addrs) > 0 {
				found = info
			}
		}
		return found.ID == who, nil
	})
	return found, err
}
