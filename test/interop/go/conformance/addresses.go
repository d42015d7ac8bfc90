package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var privateAddresses = []string{
	"/ip4/10.1.2.3/tcp/4001",
	"/ip4/100.64.5.6/tcp/4001",
	"/ip4/192.168.7.8/tcp/4001",
	"/ip4/127.0.0.9/tcp/4001",
}

// runAddresses checks that the node passes on what it was told: filtering is the clients' business.
func runAddresses(ctx context.Context, e *env) error {
	advertised := libp2p.AddrsFactory(func([]ma.Multiaddr) []ma.Multiaddr { return multiaddrs(privateAddresses) })
	a, err := e.join(ctx, "A", advertised)
	if err != nil {
		return err
	}
	key, err := rendezvousKey("interop/addresses/" + rand.Text())
	if err != nil {
		return err
	}
	if err := a.kad.Provide(ctx, cid.NewCidV1(cid.Raw, key), true); err != nil {
		return fmt.Errorf("A provides: %w", err)
	}
	b, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, b)
	if err != nil {
		return err
	}
	if err := e.awaitAddresses(ctx, "GET_PROVIDERS", a.host.ID(), privateAddresses, func() ([]contact, error) {
		return kad.getProviders(key)
	}); err != nil {
		return err
	}
	return e.awaitAddresses(ctx, "FIND_NODE", a.host.ID(), privateAddresses, func() ([]contact, error) {
		return kad.findNode(a.host.ID())
	})
}

// awaitAddresses repeats a request until its answer lists id with all the wanted addresses, and notes what came.
func (e *env) awaitAddresses(
	ctx context.Context, rpc string, id peer.ID, want []string, request func() ([]contact, error),
) error {
	last := "not listed"
	err := await(ctx, 5*time.Second, fmt.Sprintf("%s lists the peer with %v", rpc, want), func() (bool, error) {
		list, err := request()
		if err != nil {
			return false, err
		}
		addrs, listed := addressesOf(list, id)
		e.facts[rpc] = addrs
		if listed {
			last = fmt.Sprintf("listed with %v", addrs)
		}
		return !slices.ContainsFunc(want, func(addr string) bool { return !slices.Contains(addrs, addr) }), nil
	})
	if err != nil {
		return fmt.Errorf("%w; last answer: %s", err, last)
	}
	return nil
}

func multiaddrs(texts []string) []ma.Multiaddr {
	var addrs []ma.Multiaddr
	for _, text := range texts {
		addrs = append(addrs, ma.StringCast(text))
	}
	return addrs
}
