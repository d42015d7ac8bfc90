package main

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/discovery/routing"
)

// runProvide is a client that provides a key and stays.
func runProvide(ctx context.Context, e *env) error {
	key, err := rendezvousKey(e.rendezvous)
	if err != nil {
		return err
	}
	client, err := e.join(ctx, "the provider")
	if err != nil {
		return err
	}
	lost := new(atomic.Int64)
	client.host.Network().Notify(&network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { lost.Add(1) }})
	if err := client.kad.Provide(ctx, cid.NewCidV1(cid.Raw, key), true); err != nil {
		return fmt.Errorf("provide: %w", err)
	}
	e.facts["id"] = client.host.ID().String()
	life, err := e.standBy(ctx)
	if err != nil {
		return err
	}
	<-life.Done()
	e.facts["lost"] = lost.Load()
	return nil
}

// runFind tells who provides a key: as GET_PROVIDERS says it on the wire, and as FindPeers gives it to the application.
func runFind(ctx context.Context, e *env) error {
	key, err := rendezvousKey(e.rendezvous)
	if err != nil {
		return err
	}
	client, err := e.join(ctx, "the searcher")
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, client.host)
	if err != nil {
		return err
	}
	providers, err := kad.getProviders(key)
	if err != nil {
		return err
	}
	answered := make(map[string]int)
	for _, provider := range providers {
		answered[provider.id.String()] = len(provider.addrs)
	}
	results, err := routing.NewRoutingDiscovery(client.kad).FindPeers(ctx, e.rendezvous)
	if err != nil {
		return fmt.Errorf("FindPeers: %w", err)
	}
	found := make(map[string]int)
	for info := range results {
		found[info.ID.String()] = len(info.Addrs)
	}
	e.facts["answered"], e.facts["found"] = answered, found
	return nil
}
