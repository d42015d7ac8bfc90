package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"strings"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-msgio"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

const (
	manyTopics     = 100_000
	topicsARPC     = 1_000
	manyRequests   = 200_000 // 18 MiB, more than the largest window that yamux gives a stream
	requestsAWrite = 100
	stallAfter     = 5 * time.Second
)

// runHostileSubscriptions announces subscriptions to very many topics on one meshsub stream.
func runHostileSubscriptions(ctx context.Context, e *env) error {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return err
	}
	stream, err := h.NewStream(ctx, e.node.ID, pubsub.GossipSubID_v11)
	if err != nil {
		return fmt.Errorf("open a meshsub stream: %w", err)
	}
	if err := stream.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	out, sent, yes := msgio.NewVarintWriter(stream), 0, true
	for sent < manyTopics {
		rpc := new(pubsubpb.RPC)
		for range topicsARPC {
			topic := fmt.Sprintf("interop/flood/%d/%s", sent, h.ID())
			rpc.Subscriptions = append(rpc.Subscriptions, &pubsubpb.RPC_SubOpts{Subscribe: &yes, Topicid: &topic})
			sent++
		}
		message, err := rpc.Marshal()
		if err != nil {
			return err
		}
		if err := out.WriteMsg(message); err != nil {
			e.facts["ended_by"] = err.Error()
			break
		}
	}
	e.facts["topics"] = sent
	return e.checkAnswers(ctx, h, conn)
}

// runHostilePipeline asks on one stream for large answers, again and again, and reads none. A node that goes on
// reading queues the answers in memory; one that waits for its reader lets the asker's writes stall, or resets the stream.
func runHostilePipeline(ctx context.Context, e *env) error {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return err
	}
	kad, err := e.openKad(ctx, h)
	if err != nil {
		return err
	}
	key := make([]byte, 80) // the longest that a node takes
	if _, err := rand.Read(key); err != nil {
		return err
	}
	record := &pb.Message_Peer{Id: []byte(h.ID())}
	for i := range 16 {
		long := fmt.Sprintf("/dns4/%s.example/tcp/%d", strings.Repeat("a.", 100), 1000+i)
		record.Addrs = append(record.Addrs, ma.StringCast(long).Bytes())
	}
	if err := kad.send(&pb.Message{Type: pb.Message_ADD_PROVIDER, Key: key, ProviderPeers: []*pb.Message_Peer{record}}); err != nil {
		return err
	}
	answer, err := kad.ask(&pb.Message{Type: pb.Message_GET_PROVIDERS, Key: key})
	if err != nil {
		return err
	}
	e.facts["answer_bytes"] = proto.Size(answer)

	request, err := proto.Marshal(&pb.Message{Type: pb.Message_GET_PROVIDERS, Key: key})
	if err != nil {
		return err
	}
	batch := bytes.Repeat(append(binary.AppendUvarint(nil, uint64(len(request))), request...), requestsAWrite)
	sent := 0
	for err == nil && sent < manyRequests {
		if err := kad.stream.SetWriteDeadline(time.Now().Add(stallAfter)); err != nil {
			return err
		}
		var taken int
		taken, err = kad.stream.Write(batch)
		sent += taken * requestsAWrite / len(batch)
	}
	e.facts["requests"], e.facts["stopped"] = sent, err != nil
	if err != nil {
		e.facts["stopped_by"] = err.Error()
	}
	return e.checkAnswers(ctx, h, conn)
}
