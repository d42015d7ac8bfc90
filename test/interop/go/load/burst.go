package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// burstCommand lets all clients dial at once from one address, as after a restart behind one NAT.
func burstCommand(l *load, f facts) error {
	l.sources = 0
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	before := l.sampleServer()
	var failed failures
	var accepted atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	started := time.Now()
	parallel(len(clients), len(clients), func(i int) {
		err := clients[i].join()
		if clients[i].stage != "tcp" {
			accepted.Add(1)
		}
		if err != nil {
			failed.add(clients[i].stage, err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		took = append(took, time.Since(started))
	})
	wall := time.Since(started)
	time.Sleep(2 * time.Second)
	after := l.sampleServer()
	failed.enter(f, "refused")
	f["tcp_accepted"] = accepted.Load()
	f["accepted"] = len(took)
	f["alive_after_2s"] = len(aliveOf(clients))
	f["wall_s"] = wall.Seconds()
	f["complete_p50_ms"], f["complete_p99_ms"] = percentileMS(took, .5), percentileMS(took, .99)
	f["srv_cpu_ms_per_dial"] = each(after.cpuMS-before.cpuMS, len(clients))
	l.closeAll(clients, before, f)
	return nil
}
