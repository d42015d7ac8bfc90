package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	relay "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/util"
	ma "github.com/multiformats/go-multiaddr"
	madns "github.com/multiformats/go-multiaddr-dns"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	echoProtocol = "/interop/echo/1.0.0"
	nodeName     = "node.example"
)

// runRelay is a collector without a public address: its AutoRelay reserves, others reach it over the node.
func runRelay(ctx context.Context, e *env) error {
	named, err := e.namedNode()
	if err != nil {
		return err
	}
	a, err := e.newHost("127.0.0.1", named, libp2p.ForceReachabilityPrivate(),
		libp2p.EnableAutoRelayWithStaticRelays([]peer.AddrInfo{e.node}, autorelay.WithBootDelay(0)))
	if err != nil {
		return err
	}
	a.SetStreamHandler(echoProtocol, func(s network.Stream) {
		_, _ = io.Copy(s, s)
		_ = s.Close()
	})
	relayed, err := e.awaitAutoRelay(ctx, a)
	if err != nil {
		return err
	}
	if err := e.checkReservation(ctx, a); err != nil {
		return err
	}

	c, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, c)
	if err != nil {
		return err
	}
	if err := e.awaitAddresses(ctx, "FIND_NODE", a.ID(), relayed, func() ([]contact, error) {
		return kad.findNode(a.ID())
	}); err != nil {
		return fmt.Errorf("the circuit's address: %w", err)
	}
	if err := c.Connect(ctx, e.overRelay(a.ID())); err != nil {
		return fmt.Errorf("C dials A over the circuit: %w", err)
	}
	if err := e.checkCircuit(c, a.ID()); err != nil {
		return err
	}
	if err := echo(ctx, c, a.ID()); err != nil {
		return fmt.Errorf("bytes over the circuit: %w", err)
	}

	if err := a.Close(); err != nil {
		return err
	}
	return e.awaitFreed(ctx, c, a.ID())
}

// namedNode gives a client a public-looking name of the node, which resolves to its address: AutoRelay announces nothing
// over a relay that has private addresses only, and every address of the suite is a loopback address.
func (e *env) namedNode() (libp2p.Option, error) {
	addr := e.node.Addrs[0]
	port, err := addr.ValueForProtocol(ma.P_TCP)
	if err != nil {
		return nil, err
	}
	ip, err := manet.ToIP(addr)
	if err != nil {
		return nil, err
	}
	names := &madns.MockResolver{IP: map[string][]net.IPAddr{nodeName: {{IP: ip}}}}
	resolver, err := madns.NewResolver(madns.WithDefaultResolver(names))
	if err != nil {
		return nil, err
	}
	store, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	store.AddAddr(e.node.ID, ma.StringCast(fmt.Sprintf("/dns4/%s/tcp/%s", nodeName, port)), peerstore.PermanentAddrTTL)
	return libp2p.ChainOptions(
		libp2p.Peerstore(store),
		libp2p.MultiaddrResolver(swarm.ResolverFromMaDNS{Resolver: resolver}),
	), nil
}

// awaitAutoRelay waits until the client announces an address over the node.
func (e *env) awaitAutoRelay(ctx context.Context, h host.Host) (relayed []string, err error) {
	updates, err := h.EventBus().Subscribe(new(event.EvtAutoRelayAddrsUpdated))
	if err != nil {
		return nil, err
	}
	defer updates.Close()
	limit := time.After(15 * time.Second)
	for {
		select {
		case update := <-updates.Out():
			addrs := update.(event.EvtAutoRelayAddrsUpdated).RelayAddrs
			e.progress("relay addresses of A: %v", addrs)
			for _, addr := range addrs {
				relayed = append(relayed, addr.String())
			}
			if len(relayed) > 0 {
				return relayed, nil
			}
		case <-limit:
			return nil, fmt.Errorf("AutoRelay has a reservation: not within 15 s")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// checkReservation renews the reservation and reads what Go makes of the answer.
func (e *env) checkReservation(ctx context.Context, h host.Host) error {
	reservation, err := relay.Reserve(ctx, h, e.node)
	if err != nil {
		return fmt.Errorf("renew the reservation: %w", err)
	}
	life := time.Until(reservation.Expiration)
	e.facts["reservation_s"] = int(life.Seconds())
	e.facts["limit_duration_s"] = reservation.LimitDuration.Seconds()
	e.facts["limit_data"] = reservation.LimitData
	e.facts["voucher"] = reservation.Voucher != nil
	if life < 55*time.Minute || life > 61*time.Minute {
		return fmt.Errorf("the reservation lasts %s, not an hour", life.Round(time.Second))
	}
	if reservation.LimitDuration != 2*time.Minute {
		return fmt.Errorf("a circuit may last %s, not 2 min", reservation.LimitDuration)
	}
	if reservation.LimitData != 128<<10 {
		return fmt.Errorf("a circuit may carry %d bytes, not 128 KiB", reservation.LimitData)
	}
	return nil
}

func (e *env) checkCircuit(c host.Host, a peer.ID) error {
	conns := c.Network().ConnsToPeer(a)
	if len(conns) != 1 {
		return fmt.Errorf("C has %d connections to A", len(conns))
	}
	stat := conns[0].Stat()
	e.facts["circuit_limit_data"] = stat.Extra[relay.StatLimitData]
	if duration, ok := stat.Extra[relay.StatLimitDuration].(time.Duration); ok {
		e.facts["circuit_limit_duration_s"] = duration.Seconds()
		if duration != 2*time.Minute {
			return fmt.Errorf("the circuit's duration limit reads %s, not 2 min", duration)
		}
	}
	if !stat.Limited {
		return fmt.Errorf("the connection over the circuit is not marked as limited")
	}
	return nil
}

func echo(ctx context.Context, c host.Host, a peer.ID) error {
	ctx, stop := context.WithTimeout(network.WithAllowLimitedConn(ctx, "interop"), rpcLimit)
	defer stop()
	stream, err := c.NewStream(ctx, a, echoProtocol)
	if err != nil {
		return err
	}
	defer stream.Close()
	if err := stream.SetDeadline(time.Now().Add(rpcLimit)); err != nil {
		return err
	}
	sent := bytes.Repeat([]byte("powerloom"), 1000)
	if _, err := stream.Write(sent); err != nil {
		return err
	}
	if err := stream.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(stream)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, sent) {
		return fmt.Errorf("%d bytes came back of %d", len(got), len(sent))
	}
	return nil
}

// awaitFreed: once the node has seen A leave, a dial by way of the node is told that there is no reservation.
func (e *env) awaitFreed(ctx context.Context, c host.Host, a peer.ID) error {
	began, status := time.Now(), pb.Status_UNUSED
	err := await(ctx, 5*time.Second, "NO_RESERVATION for a peer that left", func() (_ bool, err error) {
		status, err = e.connectStatus(ctx, c, a)
		return status == pb.Status_NO_RESERVATION, err
	})
	if err != nil {
		return fmt.Errorf("%w; last status: %s", err, status)
	}
	e.facts["freed_after_ms"] = milliseconds(began)

	d, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	err = d.Connect(ctx, e.overRelay(a))
	if err == nil || !strings.Contains(err.Error(), "NO_RESERVATION") {
		return fmt.Errorf("the dial of a peer that left: want NO_RESERVATION, got %v", err)
	}
	return nil
}

// connectStatus asks the node for a circuit to dest and returns the answer's status.
func (e *env) connectStatus(ctx context.Context, h host.Host, dest peer.ID) (pb.Status, error) {
	stream, err := h.NewStream(ctx, e.node.ID, proto.ProtoIDv2Hop)
	if err != nil {
		return 0, err
	}
	defer func() { _ = stream.Reset() }()
	if err := stream.SetDeadline(time.Now().Add(rpcLimit)); err != nil {
		return 0, err
	}
	request := &pb.HopMessage{Type: pb.HopMessage_CONNECT.Enum(), Peer: util.PeerInfoToPeerV2(peer.AddrInfo{ID: dest})}
	if err := util.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
		return 0, err
	}
	in, answer := util.NewDelimitedReader(stream, 4096), new(pb.HopMessage)
	defer in.Close()
	if err := in.ReadMsg(answer); err != nil {
		return 0, fmt.Errorf("answer to CONNECT: %w", err)
	}
	return answer.GetStatus(), nil
}

func (e *env) overRelay(dest peer.ID) peer.AddrInfo {
	circuit := ma.StringCast(fmt.Sprintf("%s/p2p/%s/p2p-circuit", e.node.Addrs[0], e.node.ID))
	return peer.AddrInfo{ID: dest, Addrs: []ma.Multiaddr{circuit}}
}
