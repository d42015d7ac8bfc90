package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	ma "github.com/multiformats/go-multiaddr"
)

// runPush moves a connected client twice; the node learns of it by identify-push alone. A peer that only listens is
// listed where it is now and nowhere else; for one that provides a key, the new address must be among those listed.
func runPush(ctx context.Context, e *env) error {
	var current atomic.Pointer[string]
	places := []string{"/ip4/10.0.0.1/tcp/4001", "/ip4/10.0.0.2/tcp/4001", "/ip4/10.0.0.3/tcp/4001"}
	current.Store(&places[0])
	a, err := e.join(ctx, "A", libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr {
		return multiaddrs([]string{*current.Load()})
	}))
	if err != nil {
		return err
	}
	move := func(to *string) error {
		e.progress("A moves to %s", *to)
		current.Store(to)
		// a new listener makes the host look at its addresses again
		return a.host.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0"))
	}
	b, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, b)
	if err != nil {
		return err
	}
	closer := func() ([]contact, error) { return kad.findNode(a.host.ID()) }
	if err := e.awaitAddresses(ctx, "FIND_NODE", a.host.ID(), places[:1], closer); err != nil {
		return fmt.Errorf("before the first move: %w", err)
	}
	if err := move(&places[1]); err != nil {
		return err
	}
	if err := e.awaitAddresses(ctx, "FIND_NODE", a.host.ID(), places[1:2], closer); err != nil {
		return fmt.Errorf("after the first move: %w", err)
	}
	if err := await(ctx, 5*time.Second, "FIND_NODE no longer lists "+places[0], func() (bool, error) {
		list, err := closer()
		addrs, _ := addressesOf(list, a.host.ID())
		return !slices.Contains(addrs, places[0]), err
	}); err != nil {
		return fmt.Errorf("after the first move: %w", err)
	}

	key, err := rendezvousKey("interop/push/" + rand.Text())
	if err != nil {
		return err
	}
	if err := a.kad.Provide(ctx, cid.NewCidV1(cid.Raw, key), true); err != nil {
		return fmt.Errorf("A provides: %w", err)
	}
	providers := func() ([]contact, error) { return kad.getProviders(key) }
	if err := e.awaitAddresses(ctx, "GET_PROVIDERS", a.host.ID(), places[1:2], providers); err != nil {
		return fmt.Errorf("before the second move: %w", err)
	}
	if err := move(&places[2]); err != nil {
		return err
	}
	if err := e.awaitAddresses(ctx, "GET_PROVIDERS", a.host.ID(), places[2:], providers); err != nil {
		return fmt.Errorf("after the second move: %w", err)
	}
	addrs, _ := e.facts["GET_PROVIDERS"].([]string)
	e.facts["provider_keeps_old_address"] = slices.Contains(addrs, places[1])
	return nil
}
