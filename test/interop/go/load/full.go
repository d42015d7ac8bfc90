package main

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"

	"interop/powerloom"
)

const tableLimit = 12 * time.Second

// joinFull joins with real go-libp2p hosts: what the light clients are checked against. They have joined when the server is
// in their routing table.
func joinFull(l *load, f facts) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	before := l.sampleServer()
	server := peer.AddrInfo{ID: l.serverID, Addrs: []ma.Multiaddr{l.serverAddr}}
	hosts := make([]host.Host, l.peers)
	var failed failures
	var mu sync.Mutex
	var took []time.Duration
	started := time.Now()
	parallel(l.peers, l.inFlight, func(i int) {
		h, kad, err := l.fullClient(ctx)
		if err != nil {
			failed.add("host", err)
			return
		}
		hosts[i] = h
		dialed := time.Now()
		if err := h.Connect(ctx, server); err != nil {
			failed.add("connect", err)
			return
		}
		await(tableLimit, func() bool { return kad.RoutingTable().Size() > 0 })
		if kad.RoutingTable().Size() == 0 {
			failed.add("table", errors.New("not in the routing table"))
			return
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(dialed))
	})
	wall := time.Since(started)
	time.Sleep(3 * time.Second)
	after := l.sampleServer()
	failed.enter(f, "join_errors")
	f["full"], f["joined"] = true, len(took)
	f["joins_per_s"] = float64(len(took)) / wall.Seconds()
	f["srv_cpu_ms_per_join"] = each(after.cpuMS-before.cpuMS, len(took))
	f["rt_entry_p50_ms"], f["rt_entry_p99_ms"] = percentileMS(took, .5), percentileMS(took, .99)
	l.settle(before, len(took), f)
	for _, h := range hosts {
		if h != nil {
			h.Close()
		}
	}
	time.Sleep(l.after)
	f["srv_rss_after_close_MB"] = float64(l.sampleServer().rssKB) / 1024
	return nil
}

func (l *load) fullClient(ctx context.Context) (host.Host, *dht.IpfsDHT, error) {
	options := []libp2p.Option{
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
	}
	if l.security != "noise" {
		options = append(options, libp2p.Security(libp2ptls.ID, libp2ptls.New))
	}
	if l.security != "tls" {
		options = append(options, libp2p.Security(noise.ID, noise.New))
	}
	h, err := libp2p.New(options...)
	if err != nil {
		return nil, nil, err
	}
	kad, err := dht.New(ctx, h, dht.Mode(dht.ModeClient))
	if err != nil || l.noGossip {
		return h, kad, err
	}
	gossip, err := pubsub.NewGossipSub(ctx, h)
	if err != nil {
		return h, kad, err
	}
	for _, name := range powerloom.Topics(powerloom.TopicPrefix) {
		topic, err := gossip.Join(name)
		if err != nil {
			return h, kad, err
		}
		if _, err := topic.Subscribe(); err != nil {
			return h, kad, err
		}
	}
	return h, kad, nil
}
