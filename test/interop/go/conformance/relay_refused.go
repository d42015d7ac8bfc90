package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	relay "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	manet "github.com/multiformats/go-multiaddr/net"
)

// runRelayRefused fills the reservations of one loopback address, which it shares with no other case.
func runRelayRefused(ctx context.Context, e *env) error {
	random := make([]byte, 2)
	if _, err := rand.Read(random); err != nil {
		return err
	}
	source := fmt.Sprintf("127.%d.%d.7", 10+random[0]%200, random[1])
	e.facts["source"] = source
	var hosts []host.Host
	for range e.perAddress + 1 {
		h, err := e.newHost(source)
		if err != nil {
			return err
		}
		conn, err := e.connect(ctx, h)
		if err != nil {
			return err
		}
		if ip, err := manet.ToIP(conn.LocalMultiaddr()); err != nil || ip.String() != source {
			return fmt.Errorf("the client dials from %s, not from %s", conn.LocalMultiaddr(), source)
		}
		hosts = append(hosts, h)
	}
	for i, h := range hosts[:e.perAddress] {
		if _, err := relay.Reserve(ctx, h, e.node); err != nil {
			return fmt.Errorf("reservation %d of %d from one address: %w", i+1, e.perAddress, err)
		}
	}
	if _, err := relay.Reserve(ctx, hosts[0], e.node); err != nil {
		return fmt.Errorf("a renewal while the address is full: %w", err)
	}

	last := hosts[e.perAddress]
	_, err := relay.Reserve(ctx, last, e.node)
	var refusal relay.ReservationError
	if !errors.As(err, &refusal) || refusal.Status != pb.Status_RESERVATION_REFUSED {
		return fmt.Errorf("reservation %d from one address: want RESERVATION_REFUSED, got %v", e.perAddress+1, err)
	}
	e.facts["refused_at"] = e.perAddress + 1

	if err := hosts[0].Close(); err != nil {
		return err
	}
	began := time.Now()
	err = await(ctx, 5*time.Second, "a reservation after another peer of the address left", func() (bool, error) {
		_, err := relay.Reserve(ctx, last, e.node)
		if errors.As(err, &refusal) && refusal.Status == pb.Status_RESERVATION_REFUSED {
			return false, nil
		}
		return err == nil, err
	})
	e.facts["freed_after_ms"] = milliseconds(began)
	return err
}
