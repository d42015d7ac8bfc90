package main

import (
	"bytes"
	"slices"
	"sync/atomic"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
)

const aPrime = 7919 // steps through the clients without a pattern

// findNodeCommand asks half for the own id, as a client that joins, and half for another connected peer.
func findNodeCommand(l *load, f facts) error {
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	before := l.joinAll(clients, f)
	var answers, closer, found atomic.Int64
	other := func(i int) []byte { return []byte(clients[i*aPrime%len(clients)].id) }
	isOther := func(i int) bool { return i%2 == 1 }
	if err := l.drive(clients, question{
		make: func(i int) *kadpb.Message {
			key := []byte(clients[i%len(clients)].id)
			if isOther(i) {
				key = other(i)
			}
			return &kadpb.Message{Type: kadpb.Message_FIND_NODE, Key: key}
		},
		seen: func(i int, answer *kadpb.Message) {
			answers.Add(1)
			closer.Add(int64(len(answer.CloserPeers)))
			if isOther(i) && slices.ContainsFunc(answer.CloserPeers, func(p *kadpb.Message_Peer) bool {
				return bytes.Equal(p.Id, other(i)) && len(p.Addrs) > 0
			}) {
				found.Add(1)
			}
		},
	}, f); err != nil {
		return err
	}
	f["closer_per_answer"] = each(float64(closer.Load()), int(answers.Load()))
	f["asked_peer_found_with_address_share"] = each(float64(found.Load()), int(answers.Load()/2))
	f["still_connected"] = len(aliveOf(clients))
	l.closeAll(clients, before, f)
	return nil
}

func contains(all [][]byte, one []byte) bool {
	return slices.ContainsFunc(all, func(b []byte) bool { return bytes.Equal(b, one) })
}
