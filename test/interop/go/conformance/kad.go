package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio"
	ma "github.com/multiformats/go-multiaddr"
	mh "github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"
)

const (
	kadProtocol = "/ipfs/kad/1.0.0"
	rpcLimit    = 5 * time.Second
)

// kadStream speaks raw kad RPCs, so that nothing of the client's DHT filters or hides what the node says.
type kadStream struct {
	stream network.Stream
	in     msgio.ReadCloser
	out    msgio.WriteCloser
}

func (e *env) openKad(ctx context.Context, h host.Host) (*kadStream, error) {
	stream, err := h.NewStream(ctx, e.node.ID, kadProtocol)
	if err != nil {
		return nil, fmt.Errorf("open a kad stream: %w", err)
	}
	return newKadStream(stream), nil
}

func newKadStream(s network.Stream) *kadStream {
	return &kadStream{s, msgio.NewVarintReaderSize(s, network.MessageSizeMax), msgio.NewVarintWriter(s)}
}

func (k *kadStream) send(m *pb.Message) error {
	bytes, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	if err := k.stream.SetDeadline(time.Now().Add(rpcLimit)); err != nil {
		return err
	}
	if err := k.out.WriteMsg(bytes); err != nil {
		return fmt.Errorf("send %s: %w", m.Type, err)
	}
	return nil
}

func (k *kadStream) ask(m *pb.Message) (*pb.Message, error) {
	if err := k.send(m); err != nil {
		return nil, err
	}
	bytes, err := k.in.ReadMsg()
	if err != nil {
		return nil, fmt.Errorf("answer to %s: %w", m.Type, err)
	}
	defer k.in.ReleaseMsg(bytes)
	answer := new(pb.Message)
	if err := proto.Unmarshal(bytes, answer); err != nil {
		return nil, fmt.Errorf("answer to %s: %w", m.Type, err)
	}
	if answer.Type != m.Type {
		return nil, fmt.Errorf("answer to %s: it is a %s", m.Type, answer.Type)
	}
	return answer, k.stream.SetDeadline(time.Time{})
}

func (k *kadStream) findNode(id peer.ID) ([]contact, error) {
	answer, err := k.ask(&pb.Message{Type: pb.Message_FIND_NODE, Key: []byte(id)})
	if err != nil {
		return nil, err
	}
	return contacts(answer.CloserPeers), nil
}

func (k *kadStream) getProviders(key []byte) ([]contact, error) {
	answer, err := k.ask(&pb.Message{Type: pb.Message_GET_PROVIDERS, Key: key})
	if err != nil {
		return nil, err
	}
	return contacts(answer.ProviderPeers), nil
}

// contact is a peer of an answer; an address that Go cannot read stands there as its bytes in hex, since Go's own clients
// skip such an address and keep the others.
type contact struct {
	id    peer.ID
	addrs []string
}

func contacts(peers []*pb.Message_Peer) []contact {
	var list []contact
	for _, p := range peers {
		c := contact{id: peer.ID(p.Id)}
		for _, bytes := range p.Addrs {
			if addr, err := ma.NewMultiaddrBytes(bytes); err == nil {
				c.addrs = append(c.addrs, addr.String())
			} else {
				c.addrs = append(c.addrs, hex.EncodeToString(bytes))
			}
		}
		list = append(list, c)
	}
	return list
}

// addressesOf gives the addresses under which id is listed; ok is false when it is not listed.
func addressesOf(list []contact, id peer.ID) (addrs []string, ok bool) {
	for _, c := range list {
		if c.id == id {
			addrs, ok = append(addrs, c.addrs...), true
		}
	}
	return addrs, ok
}

// rendezvousKey is the provider key of a rendezvous string.
func rendezvousKey(rendezvous string) (mh.Multihash, error) {
	return mh.Sum([]byte(rendezvous), mh.SHA2_256, -1)
}
