package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"log"
	"math"
	"net/netip"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	ma "github.com/multiformats/go-multiaddr"

	"interop/powerloom"
)

// node is the bootstrap node: a host, a DHT server, and a gossipsub that joins no topic.
type node struct {
	host   host.Host
	kad    *dht.IpfsDHT
	cancel context.CancelFunc
}

func identity(seed string) (crypto.PrivKey, error) {
	digest := sha256.Sum256([]byte(seed))
	if seed == "" {
		if _, err := rand.Read(digest[:]); err != nil {
			return nil, err
		}
	}
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(digest[:]))
}

func startNode(c config, listen string, port int, seed string) (_ *node, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{cancel: cancel}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.close())
		}
	}()
	if n.host, err = newHost(c, listen, port, seed); err != nil {
		return nil, err
	}
	if n.kad, err = newDHT(ctx, n.host, c.bootstrapPeers); err != nil {
		return nil, err
	}
	if _, err = pubsub.NewGossipSub(ctx, n.host, powerloom.GossipOptions(n.host.ID(), c.prefix)...); err != nil {
		return nil, err
	}
	if c.logPeers {
		n.host.Network().Notify(&network.NotifyBundle{
			ConnectedF: func(_ network.Network, conn network.Conn) {
				log.Printf("Bootstrap Peer connected: %s, Addr: %s", conn.RemotePeer(), conn.RemoteMultiaddr())
			},
			DisconnectedF: func(_ network.Network, conn network.Conn) {
				log.Printf("Bootstrap Peer disconnected: %s, Addr: %s", conn.RemotePeer(), conn.RemoteMultiaddr())
			},
		})
	}
	return n, nil
}

func newHost(c config, listen string, port int, seed string) (host.Host, error) {
	key, err := identity(seed)
	if err != nil {
		return nil, err
	}
	most := rcmgr.LimitVal(c.highWater + 100)
	scope := rcmgr.ResourceLimits{Conns: most, ConnsInbound: most, ConnsOutbound: most}
	limits := rcmgr.PartialLimitConfig{System: scope, Transient: scope}.Build(rcmgr.InfiniteLimits)
	// clients of a test that come from one address are as welcome as they are on loopback, where go-libp2p exempts them
	anyNumber := rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix("0.0.0.0/0"), ConnCount: math.MaxInt}
	resources, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits),
		rcmgr.WithNetworkPrefixLimit([]rcmgr.NetworkPrefixLimit{anyNumber}, nil), rcmgr.WithConnRateLimiters(&rate.Limiter{}))
	if err != nil {
		return nil, err
	}
	connections, err := connmgr.NewConnManager(c.lowWater, c.highWater, connmgr.WithGracePeriod(c.grace))
	if err != nil {
		return nil, err
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/tcp/%d", listen, port)),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.DefaultMuxers,
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(connections),
		libp2p.EnableRelayService(),
		libp2p.ForceReachabilityPublic(),
	}
	if c.publicIP != "" {
		public, err := ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/tcp/%d", c.publicIP, port))
		if err != nil {
			return nil, fmt.Errorf("PUBLIC_IP: %w", err)
		}
		options = append(options, libp2p.AddrsFactory(func(addrs []ma.Multiaddr) []ma.Multiaddr {
			return append(addrs, public)
		}))
	}
	return libp2p.New(options...)
}

func newDHT(ctx context.Context, h host.Host, others []peer.AddrInfo) (*dht.IpfsDHT, error) {
	kad, err := dht.New(ctx, h,
		dht.Mode(dht.ModeServer),
		// dialed whenever the routing table is empty; Go's way to be one of several nodes
		dht.BootstrapPeers(others...),
		dht.AddressFilter(func(addrs []ma.Multiaddr) []ma.Multiaddr { return addrs }),
		dht.QueryFilter(func(any, peer.AddrInfo) bool { return true }),
		dht.RoutingTableFilter(func(any, peer.ID) bool { return true }),
	)
	if err != nil {
		return nil, err
	}
	return kad, kad.Bootstrap(ctx)
}

func (n *node) close() error {
	n.cancel()
	var errs []error
	if n.kad != nil {
		errs = append(errs, n.kad.Close())
	}
	if n.host != nil {
		errs = append(errs, n.host.Close())
	}
	return errors.Join(errs...)
}
