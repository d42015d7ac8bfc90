package main

import (
	"context"
	"io"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio"
	mss "github.com/multiformats/go-multistream"
	"google.golang.org/protobuf/proto"
)

const (
	openLimit    = 10 * time.Second
	selectLimit  = 15 * time.Second
	serveLimit   = 30 * time.Second
	maxKadAnswer = 16 << 20
)

// open makes a stream of the first of the protocols that the server speaks.
func (c *client) open(protocols ...protocol.ID) (network.MuxedStream, error) {
	ctx, cancel := context.WithTimeout(context.Background(), openLimit)
	defer cancel()
	stream, err := c.connection.OpenStream(ctx)
	if err != nil {
		return nil, err
	}
	stream.SetDeadline(time.Now().Add(selectLimit))
	if _, err := mss.SelectOneOf(protocols, stream); err != nil {
		stream.Reset()
		return nil, err
	}
	stream.SetDeadline(time.Time{})
	return stream, nil
}

// acceptStreams serves what the server opens, until the connection ends.
func (c *client) acceptStreams() {
	for {
		stream, err := c.connection.AcceptStream()
		if err != nil {
			c.ended.Store(true)
			return
		}
		go c.serve(stream)
	}
}

func (c *client) serve(stream network.MuxedStream) {
	stream.SetDeadline(time.Now().Add(serveLimit))
	id, _, err := c.load.answers.Negotiate(stream)
	if err != nil {
		stream.Reset()
		return
	}
	defer stream.Close()
	switch id {
	case identifyID:
		c.serveIdentify(stream)
	case pushID:
		io.Copy(io.Discard, stream)
	case pingID:
		stream.SetDeadline(time.Time{})
		io.Copy(stream, stream)
	case kadID:
		stream.SetDeadline(time.Time{})
		serveKad(stream)
	case stopID:
		serveCircuit(stream)
	default: // meshsub, floodsub
		c.load.meshStreams.Add(1)
		stream.SetDeadline(time.Time{})
		io.Copy(io.Discard, stream)
	}
}

func (c *client) serveIdentify(stream network.MuxedStream) {
	messages := c.says
	if messages == nil {
		message, err := c.identifyMessage()
		if err != nil {
			stream.Reset()
			return
		}
		messages = [][]byte{message}
	}
	for _, message := range messages {
		if msgio.NewVarintWriter(stream).WriteMsg(message) != nil {
			stream.Reset()
			return
		}
	}
	stream.CloseWrite()
	if !c.identified.Swap(true) {
		c.load.identifiedUs.Add(1)
	}
	io.Copy(io.Discard, stream)
}

// serveKad answers as a DHT server that knows nobody.
func serveKad(stream network.MuxedStream) {
	reader, writer := msgio.NewVarintReaderSize(stream, maxKadAnswer), msgio.NewVarintWriter(stream)
	for {
		bytes, err := reader.ReadMsg()
		if err != nil {
			return
		}
		var message kadpb.Message
		err = proto.Unmarshal(bytes, &message)
		reader.ReleaseMsg(bytes)
		if err != nil {
			return
		}
		if message.Type == kadpb.Message_ADD_PROVIDER {
			continue
		}
		message.ProviderPeers = nil
		answer, err := proto.Marshal(&message)
		if err != nil || writer.WriteMsg(answer) != nil {
			return
		}
	}
}
