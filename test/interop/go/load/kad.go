package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-msgio"
	mh "github.com/multiformats/go-multihash"
	"google.golang.org/protobuf/proto"
)

// ask sends one kad message over the client's one stream and waits for the answer, if the message has one. A stale stream is
// replaced once, as kad-dht's own message sender does.
func (c *client) ask(message *kadpb.Message) (*kadpb.Message, error) {
	c.kadMu.Lock()
	defer c.kadMu.Unlock()
	answer, err := c.askOnce(message)
	if err != nil && !c.ended.Load() && !isTimeout(err) {
		c.load.kadReopenings.Add(1)
		return c.askOnce(message)
	}
	return answer, err
}

func (c *client) askOnce(message *kadpb.Message) (_ *kadpb.Message, err error) {
	if c.kad == nil {
		if c.kad, err = c.open(kadID); err != nil {
			c.kad = nil
			return nil, err
		}
		c.kadRead = msgio.NewVarintReaderSize(c.kad, maxKadAnswer)
	}
	defer func() {
		if err != nil {
			c.kad.Reset()
			c.kad = nil
		}
	}()
	c.kad.SetDeadline(time.Now().Add(c.load.rpcTimeout))
	bytes, err := proto.Marshal(message)
	if err != nil {
		return nil, err
	}
	if err := msgio.NewVarintWriter(c.kad).WriteMsg(bytes); err != nil {
		return nil, err
	}
	if message.Type == kadpb.Message_ADD_PROVIDER {
		return nil, c.kad.SetDeadline(time.Time{})
	}
	if bytes, err = c.kadRead.ReadMsg(); err != nil {
		return nil, err
	}
	answer := &kadpb.Message{}
	err = proto.Unmarshal(bytes, answer)
	c.kadRead.ReleaseMsg(bytes)
	if err != nil {
		return nil, err
	}
	if answer.Type != message.Type {
		return nil, fmt.Errorf("an answer of type %s to %s", answer.Type, message.Type)
	}
	return answer, c.kad.SetDeadline(time.Time{})
}

// isTimeout knows yamux's deadline error, which is a net.Error and not os.ErrDeadlineExceeded.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout() ||
		errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

func (c *client) addProvider(key []byte) error {
	_, err := c.ask(&kadpb.Message{
		Type: kadpb.Message_ADD_PROVIDER, Key: key,
		ProviderPeers: []*kadpb.Message_Peer{{Id: []byte(c.id), Addrs: [][]byte{c.listen.Bytes()}}},
	})
	return err
}

func (c *client) getProviders(key []byte) (*kadpb.Message, error) {
	return c.ask(&kadpb.Message{Type: kadpb.Message_GET_PROVIDERS, Key: key})
}

// rendezvousKeys are the multihashes that clients look each other up under; the same for the same tag and seed.
func (l *load) rendezvousKeys() ([][]byte, error) {
	keys := make([][]byte, l.keys)
	for k := range keys {
		hash, err := mh.Sum(fmt.Appendf(nil, "rendezvous-%s-%d-%d", l.keyTag, l.seed, k), mh.SHA2_256, -1)
		if err != nil {
			return nil, err
		}
		keys[k] = hash
	}
	return keys, nil
}
