// Package powerloom holds what every node of the PowerLoom network agrees on.
package powerloom

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// TopicPrefix is the default of GOSSIPSUB_SNAPSHOT_SUBMISSION_PREFIX.
const TopicPrefix = "/powerloom/snapshot-submissions"

// Topics are the two topics of a prefix.
func Topics(prefix string) []string {
	return []string{prefix + "/0", prefix + "/all"}
}

// GossipParams are the network's parameters; a field that the network leaves unset stays 0.
func GossipParams() pubsub.GossipSubParams {
	return pubsub.GossipSubParams{
		D: 10, Dlo: 8, Dhi: 16, Dscore: 6, Dout: 4, Dlazy: 10,
		HistoryLength:           12,
		HistoryGossip:           6,
		GossipFactor:            0.25,
		HeartbeatInterval:       700 * time.Millisecond,
		FanoutTTL:               60 * time.Second,
		PruneBackoff:            300 * time.Second,
		UnsubscribeBackoff:      30 * time.Second,
		MaxPendingConnections:   256,
		ConnectionTimeout:       60 * time.Second,
		DirectConnectTicks:      300,
		OpportunisticGraftTicks: 30,
		OpportunisticGraftPeers: 4,
	}
}

// GossipOptions are the options with which every node of the network builds its gossipsub.
func GossipOptions(self peer.ID, prefix string) []pubsub.Option {
	params, thresholds := score(self, prefix)
	return []pubsub.Option{
		pubsub.WithGossipSubParams(GossipParams()),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithFloodPublish(true),
		pubsub.WithPeerExchange(false),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictSign),
	}
}

func score(self peer.ID, prefix string) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	topics := make(map[string]*pubsub.TopicScoreParams)
	for _, topic := range Topics(prefix) {
		topics[topic] = topicScore()
	}
	params := &pubsub.PeerScoreParams{
		SkipAtomicValidation: true,
		Topics:               topics,
		TopicScoreCap:        100_000,
		AppSpecificScore: func(p peer.ID) float64 {
			if p == self {
				return 100_000
			}
			return 10_000
		},
		AppSpecificWeight:           10,
		IPColocationFactorThreshold: 1000,
		BehaviourPenaltyThreshold:   1000,
		BehaviourPenaltyDecay:       0.999,
		DecayInterval:               time.Second,
		DecayToZero:                 0.01,
		RetainScore:                 30 * time.Minute,
	}
	thresholds := &pubsub.PeerScoreThresholds{
		SkipAtomicValidation:        true,
		GossipThreshold:             -100_000,
		PublishThreshold:            -200_000,
		GraylistThreshold:           -500_000,
		OpportunisticGraftThreshold: 1,
	}
	return params, thresholds
}

func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation:            true,
		TopicWeight:                     10,
		TimeInMeshWeight:                10,
		TimeInMeshQuantum:               time.Second,
		TimeInMeshCap:                   10_000,
		FirstMessageDeliveriesWeight:    100,
		FirstMessageDeliveriesDecay:     0.999,
		FirstMessageDeliveriesCap:       10_000,
		MeshMessageDeliveriesDecay:      0.999,
		MeshMessageDeliveriesThreshold:  1,
		MeshMessageDeliveriesCap:        1,
		MeshMessageDeliveriesActivation: 24 * time.Hour,
		MeshMessageDeliveriesWindow:     24 * time.Hour,
		MeshFailurePenaltyDecay:         0.9,
		InvalidMessageDeliveriesWeight:  -100,
		InvalidMessageDeliveriesDecay:   0.5,
	}
}
