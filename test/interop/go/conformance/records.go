package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	ma "github.com/multiformats/go-multiaddr"
)

// runRecords: newer clients list transports that an older node cannot parse, and keys need not be sha2-256 multihashes.
// Whatever the node makes of them, the client keeps its stream.
func runRecords(ctx context.Context, e *env) error {
	h, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, h)
	if err != nil {
		return err
	}
	key, err := rendezvousKey("interop/records/" + rand.Text())
	if err != nil {
		return err
	}
	const good = "/ip4/127.0.0.1/tcp/4001"
	unknown := []byte{0xff, 0xff, 0x7f, 1, 2, 3} // a protocol code that no table holds
	if err := kad.send(&pb.Message{Type: pb.Message_ADD_PROVIDER, Key: key, ProviderPeers: []*pb.Message_Peer{
		{Id: []byte(h.ID()), Addrs: [][]byte{unknown, ma.StringCast(good).Bytes()}},
	}}); err != nil {
		return err
	}
	providers, err := kad.getProviders(key)
	if err != nil {
		return fmt.Errorf("after an address with an unknown protocol: %w", err)
	}
	addrs, _ := addressesOf(providers, h.ID())
	e.facts["addresses"] = addrs
	if !slices.Contains(addrs, good) {
		return fmt.Errorf("after an address with an unknown protocol: the good one is not listed, but %v", addrs)
	}

	for name, key := range map[string][]byte{
		"no multihash":           []byte("0123456789"),
		"an identity multihash":  {0x00, 0x03, 'a', 'b', 'c'},
		"a sha2-512 multihash":   append([]byte{0x13, 0x40}, make([]byte, 64)...),
		"the longest key of all": make([]byte, 80),
	} {
		if _, err := kad.getProviders(key); err != nil {
			return fmt.Errorf("a key that is %s: %w", name, err)
		}
	}
	if _, err := kad.findNode(h.ID()); err != nil {
		return fmt.Errorf("the same stream afterwards: %w", err)
	}
	return nil
}
