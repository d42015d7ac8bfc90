package main

import (
	"sync"
	"sync/atomic"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
)

// providersCommand lets everybody provide, asks who provides, and looks who is missing from the answers.
func providersCommand(l *load, f facts) error {
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	keys, err := l.rendezvousKeys()
	if err != nil {
		return err
	}
	f["keys"], f["each"] = l.keys, l.each
	before := l.joinAll(clients, f)
	if !l.noAdd {
		l.provideAll(clients, keys, f)
	}
	var answers answerSizes
	if err := l.drive(clients, question{
		make: func(i int) *kadpb.Message {
			return &kadpb.Message{Type: kadpb.Message_GET_PROVIDERS, Key: keys[i%len(keys)]}
		},
		seen: func(_ int, answer *kadpb.Message) { answers.add(answer) },
	}, f); err != nil {
		return err
	}
	answers.enter(f)
	if !l.noAdd {
		l.missing(clients, keys, f)
	}
	f["still_connected"] = len(aliveOf(clients))
	l.closeAll(clients, before, f)
	return nil
}

// provides says whether the i-th client provides the k-th key.
func (l *load) provides(i, k int) bool {
	return l.each || k == i%l.keys
}

func (l *load) provideAll(clients []*client, keys [][]byte, f facts) {
	before := l.sampleServer()
	started := time.Now()
	var failed failures
	var adds atomic.Int64
	parallel(len(clients), l.inFlight, func(i int) {
		if !clients[i].alive() {
			return
		}
		for k, key := range keys {
			if !l.provides(i, k) {
				continue
			}
			if err := clients[i].addProvider(key); err != nil {
				failed.add("add", err)
				continue
			}
			adds.Add(1)
		}
		// an ADD has no answer: the server has read them all before it answers this
		if _, err := clients[i].ask(&kadpb.Message{Type: kadpb.Message_PING}); err != nil {
			failed.add("ping", err)
		}
	})
	wall := time.Since(started)
	time.Sleep(time.Second)
	after := l.sampleServer()
	failed.enter(f, "add_errors")
	f["adds"] = adds.Load()
	f["adds_per_s"] = float64(adds.Load()) / wall.Seconds()
	f["srv_cpu_ms_per_add"] = each(after.cpuMS-before.cpuMS, int(adds.Load()))
}

// answerSizes sums up what the answers held.
type answerSizes struct {
	mu                                        sync.Mutex
	answers, least, most, providers, dialable int
}

func (s *answerSizes) add(answer *kadpb.Message) {
	dialable := 0
	for _, p := range answer.ProviderPeers {
		if len(p.Addrs) > 0 {
			dialable++
		}
	}
	count := len(answer.ProviderPeers)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.answers++; s.answers == 1 {
		s.least = count
	}
	s.least, s.most = min(s.least, count), max(s.most, count)
	s.providers += count
	s.dialable += dialable
}

func (s *answerSizes) enter(f facts) {
	f["providers_per_answer_avg"] = each(float64(s.providers), s.answers)
	f["providers_per_answer_min"], f["providers_per_answer_max"] = s.least, s.most
	f["providers_with_address_share"] = each(float64(s.dialable), s.providers)
}

// missing counts who provides a key and is not in the answer, or without the address that it listens at.
func (l *load) missing(clients []*client, keys [][]byte, f facts) {
	var failed failures
	missing, withoutListen := 0, 0
	for k, key := range keys {
		answer, err := aliveOf(clients)[0].getProviders(key)
		if err != nil {
			failed.add("get", err)
			continue
		}
		listed := map[string][][]byte{}
		for _, p := range answer.ProviderPeers {
			listed[string(p.Id)] = p.Addrs
		}
		for i, c := range clients {
			if !c.alive() || !l.provides(i, k) {
				continue
			}
			addrs, found := listed[string(c.id)]
			if !found {
				missing++
			} else if !contains(addrs, c.listen.Bytes()) {
				withoutListen++
			}
		}
	}
	failed.enter(f, "get_errors")
	f["providers_missing"], f["providers_without_their_listen_address"] = missing, withoutListen
}
