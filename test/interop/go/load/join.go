package main

import (
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	idpb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	"github.com/libp2p/go-msgio"
	"google.golang.org/protobuf/proto"

	"interop/powerloom"
)

const maxIdentify = 64 << 10

// join does what a client of the network does at its start: connect, identify, subscribe, FIND_NODE. It has joined when all
// of that succeeded.
func (c *client) join() error {
	started := time.Now()
	steps := []func() error{c.connect, c.identifyServer}
	if !c.load.silent {
		if !c.load.noGossip {
			steps = append(steps, c.subscribe)
		}
		steps = append(steps, c.findItself)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	c.joinTook = time.Since(started)
	c.joined.Store(true)
	return nil
}

func (c *client) identifyServer() error {
	c.stage = "identify"
	stream, err := c.open(identifyID)
	if err != nil {
		return err
	}
	stream.SetDeadline(time.Now().Add(selectLimit))
	reader := msgio.NewVarintReaderSize(stream, maxIdentify)
	// it may come in several messages, and ends with the stream
	for messages := 0; ; messages++ {
		bytes, err := reader.ReadMsg()
		if err != nil && messages == 0 {
			stream.Reset()
			return err
		}
		if err != nil {
			return stream.Close()
		}
		err = proto.Unmarshal(bytes, &idpb.Identify{})
		reader.ReleaseMsg(bytes)
		if err != nil {
			stream.Reset()
			return err
		}
	}
}

// subscribe opens the meshsub stream, which stays open, and lists the network's two topics.
func (c *client) subscribe() error {
	c.stage = "meshsub"
	stream, err := c.open(meshIDs...)
	if err != nil {
		return err
	}
	yes, rpc := true, &pubsubpb.RPC{}
	for _, topic := range powerloom.Topics(powerloom.TopicPrefix) {
		rpc.Subscriptions = append(rpc.Subscriptions, &pubsubpb.RPC_SubOpts{Subscribe: &yes, Topicid: &topic})
	}
	bytes, err := rpc.Marshal()
	if err != nil {
		return err
	}
	return msgio.NewVarintWriter(stream).WriteMsg(bytes)
}

func (c *client) findItself() error {
	c.stage = "findnode"
	for range c.load.findNodes {
		if _, err := c.ask(&kadpb.Message{Type: kadpb.Message_FIND_NODE, Key: []byte(c.id)}); err != nil {
			return err
		}
	}
	return nil
}
