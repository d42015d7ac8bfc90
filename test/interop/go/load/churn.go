package main

import (
	"runtime"
	"time"
)

// churnCommand lets new peers join, provide, look up and leave, round after round.
func churnCommand(l *load, f facts) error {
	keys, err := l.rendezvousKeys()
	if err != nil {
		return err
	}
	start := l.sampleServer()
	errors, rss := 0, []float64{}
	seed := l.seed
	for round := 1; round <= l.rounds; round++ {
		if seed != 0 {
			l.seed = seed*1000 + int64(round)
		}
		failed, err := l.churnRound(keys)
		if err != nil {
			return err
		}
		errors += failed.total()
		time.Sleep(l.gap)
		s := l.sampleServer()
		rss = append(rss, float64(s.rssKB/1024))
		progress("round %d: %d joined, %d errors, RSS %d MB", round, l.peers-failed.total(), failed.total(), s.rssKB/1024)
		failed.enter(f, "round_errors")
		runtime.GC()
	}
	time.Sleep(l.after)
	end := l.sampleServer()
	f["rounds"], f["errors"] = l.rounds, errors
	f["rss_after_round_MB"] = rss
	f["rss_start_MB"], f["rss_end_MB"] = float64(start.rssKB)/1024, float64(end.rssKB)/1024
	f["srv_cpu_ms_per_peer"] = each(end.cpuMS-start.cpuMS, l.peers*l.rounds)
	f["status_end"] = l.statusLine()
	return nil
}

func (l *load) churnRound(keys [][]byte) (*failures, error) {
	l.identifiedUs.Store(0)
	clients, err := l.newClients()
	if err != nil {
		return nil, err
	}
	failed := &failures{}
	parallel(len(clients), l.inFlight, func(i int) {
		c, key := clients[i], keys[i%len(keys)]
		if err := c.join(); err != nil {
			failed.add(c.stage, err)
			return
		}
		if err := c.addProvider(key); err != nil {
			failed.add("add", err)
			return
		}
		if _, err := c.getProviders(key); err != nil {
			failed.add("get", err)
		}
	})
	await(identifyLimit, func() bool { return int(l.identifiedUs.Load()) >= len(clients)-failed.total() })
	time.Sleep(time.Second)
	parallel(len(clients), closesAtOnce, func(i int) { clients[i].close() })
	return failed, nil
}
