package main

import (
	"crypto/rand"
	"fmt"
	"io"
	mrand "math/rand"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/core/transport"
	idpb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-msgio"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

// What a Go client of the network lists: its DHT is in client mode, so no kad.
var clientProtocols = []string{"/floodsub/1.0.0", "/ipfs/id/1.0.0", "/ipfs/id/push/1.0.0", "/ipfs/ping/1.0.0",
	"/libp2p/autonat/1.0.0", "/libp2p/circuit/relay/0.2.0/stop", "/meshsub/1.0.0", "/meshsub/1.1.0", "/meshsub/1.2.0"}

// client is a peer with one connection and, once it has asked something, one kad stream.
type client struct {
	load   *load
	id     peer.ID
	key    crypto.PrivKey
	source string
	listen ma.Multiaddr

	// what it says of itself instead of identifyMessage
	says [][]byte

	connection transport.CapableConn
	ended      atomic.Bool
	identified atomic.Bool

	kadMu   sync.Mutex
	kad     network.MuxedStream
	kadRead msgio.ReadCloser

	joined   atomic.Bool
	joinTook time.Duration
	// stage of the join that it is in, for the count of failures
	stage string
}

// newClients makes identities before the clock runs: keys cost time too.
func (l *load) newClients() ([]*client, error) {
	clients := make([]*client, l.peers)
	var failed failures
	parallel(l.peers, runtime.NumCPU(), func(i int) {
		var err error
		if clients[i], err = l.newClient(i); err != nil {
			failed.add("identity", err)
		}
	})
	if failed.total() > 0 {
		return nil, fmt.Errorf("clients: %v", failed.counts)
	}
	return clients, nil
}

func (l *load) newClient(i int) (*client, error) {
	var random io.Reader = rand.Reader
	if l.seed != 0 {
		random = mrand.New(mrand.NewSource(l.seed*1_000_003 + int64(i)))
	}
	key, _, err := crypto.GenerateEd25519Key(random)
	if err != nil {
		return nil, err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return nil, err
	}
	c := &client{load: l, id: id, key: key}
	listenIP := "127.0.0.1"
	if l.sources > 0 {
		c.source = fmt.Sprintf("127.0.0.%d", 2+i%l.sources)
		listenIP = c.source
	}
	c.listen, err = ma.NewMultiaddr(fmt.Sprintf("/ip4/%s/tcp/%d", listenIP, 1024+i%60000))
	return c, err
}

// identifyMessage is what this client says of itself.
func (c *client) identifyMessage() ([]byte, error) {
	public, err := crypto.MarshalPublicKey(c.key.GetPublic())
	if err != nil {
		return nil, err
	}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: c.id, Addrs: []ma.Multiaddr{c.listen}}), c.key)
	if err != nil {
		return nil, err
	}
	signed, err := envelope.Marshal()
	if err != nil {
		return nil, err
	}
	var protocols []string
	for _, name := range clientProtocols {
		if !c.load.noGossip || !strings.Contains(name, "sub/") {
			protocols = append(protocols, name)
		}
	}
	if c.load.kadServer {
		protocols = append(protocols, string(kadID))
	}
	return proto.Marshal(&idpb.Identify{
		ProtocolVersion: proto.String("ipfs/0.1.0"), AgentVersion: proto.String("load/light"), PublicKey: public,
		ListenAddrs: [][]byte{c.listen.Bytes()}, Protocols: protocols, ObservedAddr: c.load.serverAddr.Bytes(),
		SignedPeerRecord: signed,
	})
}

func (c *client) alive() bool {
	return c.joined.Load() && !c.ended.Load()
}

func (c *client) close() {
	if c.connection != nil {
		c.connection.Close()
	}
}
