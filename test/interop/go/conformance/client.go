package main

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	manet "github.com/multiformats/go-multiaddr/net"

	"interop/powerloom"
)

const connectLimit = 10 * time.Second

// securities are what a client may offer; it prefers the first of its list.
var securities = map[string]libp2p.Option{
	"tls":   libp2p.Security(libp2ptls.ID, libp2ptls.New),
	"noise": libp2p.Security(noise.ID, noise.New),
}

func (e *env) securityOptions() []libp2p.Option {
	var options []libp2p.Option
	for _, name := range strings.Split(e.security, ",") {
		options = append(options, securities[name])
	}
	return options
}

// newHost is a client's host; it listens on 127.0.0.1 unless the options say otherwise, and ends with the case.
func (e *env) newHost(listen string, more ...libp2p.Option) (host.Host, error) {
	options := append(e.securityOptions(),
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/tcp/0", listen)),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableMetrics(),
	)
	h, err := libp2p.New(append(options, more...)...)
	if err != nil {
		return nil, fmt.Errorf("a client's host: %w", err)
	}
	e.atEnd(h.Close)
	return h, nil
}

// connect dials the node and returns the connection; it fails like a client does that never tries again.
func (e *env) connect(ctx context.Context, h host.Host) (network.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, connectLimit)
	defer stop()
	if err := h.Connect(ctx, e.node); err != nil {
		return nil, fmt.Errorf("connect to the node: %w", err)
	}
	conns := h.Network().ConnsToPeer(e.node.ID)
	if len(conns) == 0 {
		return nil, fmt.Errorf("connect to the node: the connection is gone at once")
	}
	return conns[0], nil
}

// newVisitor is a host that is connected to the node and nothing more.
func (e *env) newVisitor(ctx context.Context) (host.Host, error) {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return nil, err
	}
	if _, err := e.connect(ctx, h); err != nil {
		return nil, err
	}
	return h, nil
}

// newDHT is the DHT of the real clients: client mode on /ipfs/kad/1.0.0.
func (e *env) newDHT(ctx context.Context, h host.Host) (*dht.IpfsDHT, error) {
	kad, err := dht.New(ctx, h, dht.Mode(dht.ModeClient))
	if err != nil {
		return nil, fmt.Errorf("a client's DHT: %w", err)
	}
	e.atEnd(kad.Close)
	return kad, nil
}

func newGossip(ctx context.Context, h host.Host, more ...pubsub.Option) (*pubsub.PubSub, error) {
	options := append(powerloom.GossipOptions(h.ID(), powerloom.TopicPrefix), more...)
	ps, err := pubsub.NewGossipSub(ctx, h, options...)
	if err != nil {
		return nil, fmt.Errorf("a client's gossipsub: %w", err)
	}
	return ps, nil
}

// client is a whole client: host and DHT, connected, with the node in its routing table.
type client struct {
	host host.Host
	kad  *dht.IpfsDHT
	conn network.Conn
}

func (e *env) join(ctx context.Context, name string, more ...libp2p.Option) (*client, error) {
	listen, err := e.addressTowardsNode()
	if err != nil {
		return nil, err
	}
	h, err := e.newHost(listen, more...)
	if err != nil {
		return nil, err
	}
	kad, err := e.newDHT(ctx, h)
	if err != nil {
		return nil, err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := e.awaitTable(ctx, kad); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	e.progress("%s joined as %s", name, h.ID())
	return &client{h, kad, conn}, nil
}

// addressTowardsNode is where the node can dial back: 127.0.0.1 for one on this machine, another in a network namespace. A
// datagram's socket knows it once it is connected, which sends nothing.
func (e *env) addressTowardsNode() (string, error) {
	network, address, err := manet.DialArgs(e.node.Addrs[0])
	if err != nil {
		return "", err
	}
	socket, err := net.Dial(strings.Replace(network, "tcp", "udp", 1), address)
	if err != nil {
		return "", err
	}
	defer socket.Close()
	return socket.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

func (e *env) awaitTable(ctx context.Context, kad *dht.IpfsDHT) error {
	return await(ctx, 2*time.Second, "the node in the client's routing table", func() (bool, error) {
		return kad.RoutingTable().Find(e.node.ID) != "", nil
	})
}
