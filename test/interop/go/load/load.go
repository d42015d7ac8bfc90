package main

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	mss "github.com/multiformats/go-multistream"
)

const (
	identifyID = protocol.ID("/ipfs/id/1.0.0")
	pushID     = protocol.ID("/ipfs/id/push/1.0.0")
	pingID     = protocol.ID("/ipfs/ping/1.0.0")
	kadID      = protocol.ID("/ipfs/kad/1.0.0")
)

var (
	meshIDs = []protocol.ID{"/meshsub/1.2.0", "/meshsub/1.1.0", "/meshsub/1.0.0", "/floodsub/1.0.0"}
	muxers  = []tptu.StreamMuxer{{ID: yamux.ID, Muxer: yamux.DefaultTransport}}
)

// load is what all clients of a run share: the server, what they answer to it, and what it did to them.
type load struct {
	*options
	serverID   peer.ID
	serverAddr ma.Multiaddr
	serverTCP  string
	answers    *mss.MultistreamMuxer[protocol.ID]
	tcp        transport.Transport

	identifiedUs  atomic.Int64
	meshStreams   atomic.Int64
	kadReopenings atomic.Int64
}

func newLoad(o *options) (*load, error) {
	info, err := peer.AddrInfoFromString(o.addr)
	if err != nil {
		return nil, fmt.Errorf("-addr %q: %w", o.addr, err)
	}
	l := &load{options: o, serverID: info.ID, serverAddr: info.Addrs[0], answers: mss.NewMultistreamMuxer[protocol.ID]()}
	addr, err := manet.ToNetAddr(l.serverAddr)
	if err != nil {
		return nil, err
	}
	if t, ok := addr.(*net.TCPAddr); !ok || !t.IP.IsLoopback() {
		return nil, fmt.Errorf("-addr %s: only TCP on 127.0.0.0/8 is loaded", o.addr)
	}
	l.serverTCP = addr.String()
	for _, id := range append([]protocol.ID{identifyID, pushID, pingID}, meshIDs...) {
		if !o.noGossip || !strings.Contains(string(id), "sub/") {
			l.answers.AddHandler(id, nil)
		}
	}
	if o.kadServer {
		l.answers.AddHandler(kadID, nil)
	}
	upgrader, err := tptu.New(nil, muxers, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	l.tcp, err = tcp.NewTCPTransport(upgrader, nil, nil)
	return l, err
}
