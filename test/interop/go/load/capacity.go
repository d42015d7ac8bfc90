package main

import (
	"sync/atomic"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
)

// capCommand dials more than a server with a low limit takes, and looks whom it keeps.
func capCommand(l *load, f facts) error {
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	before := l.sampleServer()
	var failed failures
	stopWatching := watchMost(clients, f)
	started := time.Now()
	parallel(len(clients), l.inFlight, func(i int) {
		paced(started, i, l.rate)
		if err := clients[i].join(); err != nil {
			failed.add(clients[i].stage, err)
			clients[i].close()
		}
	})
	f["dial_wall_s"] = time.Since(started).Seconds()
	time.Sleep(2 * time.Second)
	failed.enter(f, "refused")
	f["joined_ever"] = len(clients) - failed.total()
	f["alive_2s_after_dialing"] = len(aliveOf(clients))
	f["alive_by_decile_of_arrival"] = aliveByTenth(clients)
	time.Sleep(l.hold)
	stopWatching()
	f["alive_end"] = len(aliveOf(clients))
	f["alive_end_by_decile_of_arrival"] = aliveByTenth(clients)
	if !l.silent {
		f["first_decile_answered"], f["first_decile_not_answered"] = askEach(clients[:len(clients)/10])
	}
	f["srv_cpu_ms_per_dial"] = each(l.sampleServer().cpuMS-before.cpuMS, len(clients))
	l.closeAll(clients, before, f)
	return nil
}

// watchMost looks how many are connected at once, until it is stopped.
func watchMost(clients []*client, f facts) (stop func()) {
	var most atomic.Int64
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(200 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				most.Store(max(most.Load(), int64(len(aliveOf(clients)))))
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		f["max_alive_at_once"] = most.Load()
	}
}

func aliveByTenth(clients []*client) (alive [10]int) {
	for i, c := range clients {
		if c.alive() {
			alive[i*10/len(clients)]++
		}
	}
	return alive
}

// askEach sends a FIND_NODE over each of the connections that are left.
func askEach(clients []*client) (answered, failed int) {
	for _, c := range aliveOf(clients) {
		if _, err := c.ask(&kadpb.Message{Type: kadpb.Message_FIND_NODE, Key: []byte(c.id)}); err != nil {
			failed++
		} else {
			answered++
		}
	}
	return answered, failed
}
