package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	pb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-msgio"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

var needed = []string{
	"/ipfs/kad/1.0.0",
	"/ipfs/id/1.0.0",
	"/ipfs/id/push/1.0.0",
	"/ipfs/ping/1.0.0",
	"/libp2p/circuit/relay/0.2.0/hop",
}

// mesh: one of them is enough.
var mesh = []string{"/meshsub/1.2.0", "/meshsub/1.1.0"}

// harmless is what a node may list besides; anything else is a service that nobody asked for.
var harmless = []string{
	"/meshsub/1.3.0",
	"/meshsub/1.2.0",
	"/meshsub/1.1.0",
	"/meshsub/1.0.0",
	"/floodsub/1.0.0",
	"/libp2p/circuit/relay/0.2.0/stop",
}

// askIdentify reads the node's identify messages from a stream of our own, before any peerstore interprets them.
func (e *env) askIdentify(ctx context.Context, h host.Host) (*pb.Identify, error) {
	stream, err := h.NewStream(ctx, e.node.ID, "/ipfs/id/1.0.0")
	if err != nil {
		return nil, fmt.Errorf("open an identify stream: %w", err)
	}
	defer stream.Close()
	if err := stream.SetDeadline(time.Now().Add(rpcLimit)); err != nil {
		return nil, err
	}
	whole, in := new(pb.Identify), msgio.NewVarintReaderSize(stream, 1<<16)
	for parts := 0; parts < 10; parts++ {
		bytes, err := in.ReadMsg()
		if err != nil {
			if parts > 0 {
				return whole, nil
			}
			return nil, fmt.Errorf("the node's identify: %w", err)
		}
		part := new(pb.Identify)
		if err := proto.Unmarshal(bytes, part); err != nil {
			return nil, fmt.Errorf("the node's identify: %w", err)
		}
		in.ReleaseMsg(bytes)
		proto.Merge(whole, part)
	}
	return nil, errors.New("the node's identify has more than 10 parts")
}

func runProtocols(ctx context.Context, e *env) error {
	h, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	node, err := e.askIdentify(ctx, h)
	if err != nil {
		return err
	}
	slices.Sort(node.Protocols)
	e.facts["protocols"], e.facts["agent"] = node.Protocols, node.GetAgentVersion()
	for _, protocol := range needed {
		if !slices.Contains(node.Protocols, protocol) {
			return fmt.Errorf("identify does not list %s", protocol)
		}
	}
	if !slices.ContainsFunc(mesh, func(id string) bool { return slices.Contains(node.Protocols, id) }) {
		return fmt.Errorf("identify lists none of %v", mesh)
	}
	for _, protocol := range node.Protocols {
		if !slices.Contains(needed, protocol) && !slices.Contains(harmless, protocol) {
			return fmt.Errorf("identify lists %s, which is not needed", protocol)
		}
	}
	if node.GetAgentVersion() == "" {
		return errors.New("identify has no agent version")
	}
	return e.checkRecord(node)
}

func runAnnounce(ctx context.Context, e *env) error {
	h, err := e.newVisitor(ctx)
	if err != nil {
		return err
	}
	node, err := e.askIdentify(ctx, h)
	if err != nil {
		return err
	}
	announced, err := listenAddresses(node)
	if err != nil {
		return err
	}
	e.facts["listen_addresses"] = announced
	want := []string{e.node.Addrs[0].String()}
	if e.publicIP != "" {
		port, err := e.node.Addrs[0].ValueForProtocol(ma.P_TCP)
		if err != nil {
			return err
		}
		want = append(want, fmt.Sprintf("/ip4/%s/tcp/%s", e.publicIP, port))
	}
	for _, addr := range want {
		if !slices.Contains(announced, addr) {
			return fmt.Errorf("identify lists %v and not %s", announced, addr)
		}
	}
	return e.checkRecord(node)
}

func listenAddresses(node *pb.Identify) ([]string, error) {
	var addrs []string
	for _, bytes := range node.ListenAddrs {
		addr, err := ma.NewMultiaddrBytes(bytes)
		if err != nil {
			return nil, fmt.Errorf("listen address %x: %w", bytes, err)
		}
		addrs = append(addrs, addr.String())
	}
	return addrs, nil
}

// checkRecord: Go clients prefer the signed record to the plain list, so it must verify and say the same.
func (e *env) checkRecord(node *pb.Identify) error {
	if len(node.SignedPeerRecord) == 0 {
		return errors.New("identify has no signed peer record")
	}
	signed := new(peer.PeerRecord)
	if _, err := record.ConsumeTypedEnvelope(node.SignedPeerRecord, signed); err != nil {
		return fmt.Errorf("the signed peer record: %w", err)
	}
	if signed.PeerID != e.node.ID {
		return fmt.Errorf("the signed peer record is of %s", signed.PeerID)
	}
	plain, err := listenAddresses(node)
	if err != nil {
		return err
	}
	for _, addr := range signed.Addrs {
		if !slices.Contains(plain, addr.String()) {
			return fmt.Errorf("the signed peer record lists %s, the plain list %v", addr, plain)
		}
	}
	if len(signed.Addrs) != len(plain) {
		return fmt.Errorf("the signed peer record lists %d addresses, the plain list %d", len(signed.Addrs), len(plain))
	}
	return nil
}
