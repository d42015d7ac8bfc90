package main

import (
	"context"
	"fmt"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
)

const talkLimit = 10 * time.Second

// member is a client in a topic.
type member struct {
	client *client
	topic  *pubsub.Topic
	inbox  *pubsub.Subscription
}

func (c *client) joinTopic(ctx context.Context, name string, more ...pubsub.Option) (*member, error) {
	ps, err := newGossip(ctx, c.host, more...)
	if err != nil {
		return nil, err
	}
	topic, err := ps.Join(name)
	if err != nil {
		return nil, err
	}
	inbox, err := topic.Subscribe()
	if err != nil {
		return nil, err
	}
	return &member{c, topic, inbox}, nil
}

// talk ends when a message of A's has reached B. A publishes every second, as the network does, from the moment that it
// sees B in the topic.
func (e *env) talk(ctx context.Context, a, b *member) error {
	arrivals, err := a.topic.EventHandler()
	if err != nil {
		return err
	}
	defer arrivals.Cancel()
	began := time.Now()
	ctx, stop := context.WithTimeout(ctx, talkLimit)
	defer stop()
	for seen := false; !seen; {
		event, err := arrivals.NextPeerEvent(ctx)
		if err != nil {
			return fmt.Errorf("A sees B in the topic within %s: %w", talkLimit, err)
		}
		seen = event.Type == pubsub.PeerJoin && event.Peer == b.client.host.ID()
	}
	e.facts["seen_in_topic_after_ms"] = milliseconds(began)

	publishing, done := context.WithCancel(ctx)
	defer done()
	go func() {
		for publishing.Err() == nil {
			if err := a.topic.Publish(publishing, []byte("hello from A")); err != nil {
				e.progress("A publishes: %v", err)
			}
			_ = rest(publishing, time.Second)
		}
	}()
	message, err := b.inbox.Next(ctx)
	if err != nil {
		return fmt.Errorf("A's message reaches B within %s: %w", talkLimit, err)
	}
	e.facts["message_after_ms"] = milliseconds(began)
	if text := string(message.Data); text != "hello from A" {
		return fmt.Errorf("B received %q", text)
	}
	return nil
}
