package main

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
)

// question makes the i-th request; seen gets its answer, from several goroutines.
type question struct {
	make func(i int) *kadpb.Message
	seen func(i int, answer *kadpb.Message)
}

// drive asks for -t seconds, at -qps or as fast as possible, and enters rate, latency and what an answer cost. Latency at
// -qps counts from the moment in which the request was due, so that a server that falls behind cannot hide it.
func (l *load) drive(clients []*client, q question, f facts) error {
	alive := aliveOf(clients)
	if len(alive) == 0 {
		return errors.New("nobody is connected")
	}
	var failed failures
	var mu sync.Mutex
	var took []time.Duration
	one := func(i int, due time.Time) {
		answer, err := alive[i%len(alive)].ask(q.make(i))
		if err != nil {
			failed.add("rpc", err)
			return
		}
		mu.Lock()
		took = append(took, time.Since(due))
		mu.Unlock()
		q.seen(i, answer)
	}
	before := l.sampleServer()
	started := time.Now()
	var sent int
	if l.qps > 0 {
		sent = atRate(started, l.hold, l.qps, one)
	} else {
		sent = asFastAsPossible(started, l.hold, l.inFlight, one)
	}
	wall := time.Since(started)
	after := l.sampleServer()
	failed.enter(f, "rpc_errors")
	f["qps"] = l.qps
	f["rpc_sent"], f["rpc_ok"] = sent, len(took)
	f["rpc_per_s"] = float64(len(took)) / wall.Seconds()
	f["rpc_p50_ms"], f["rpc_p99_ms"], f["rpc_max_ms"] = percentileMS(took, .5), percentileMS(took, .99), percentileMS(took, 1)
	f["srv_cpu_ms_per_rpc"] = each(after.cpuMS-before.cpuMS, len(took))
	f["srv_cpu_pct"] = (after.cpuMS - before.cpuMS) / float64(wall.Milliseconds()) * 100
	f["streams_reopened"] = l.kadReopenings.Load()
	f["srv_rss_after_rpc_MB"] = float64(after.rssKB) / 1024
	progress("%d answers, %.0f/s, %.3f ms of CPU each", len(took), f["rpc_per_s"], f["srv_cpu_ms_per_rpc"])
	return nil
}

func atRate(started time.Time, lasting time.Duration, qps float64, one func(i int, due time.Time)) (sent int) {
	var all sync.WaitGroup
	for ; ; sent++ {
		due := started.Add(asDuration(float64(sent) / qps))
		if due.Sub(started) > lasting {
			break
		}
		time.Sleep(time.Until(due))
		all.Add(1)
		go func(i int) {
			defer all.Done()
			one(i, due)
		}(sent)
	}
	all.Wait()
	return sent
}

func asFastAsPossible(started time.Time, lasting time.Duration, inFlight int, one func(i int, due time.Time)) int {
	var next atomic.Int64
	parallel(inFlight, inFlight, func(int) {
		for time.Since(started) < lasting {
			one(int(next.Add(1))-1, time.Now())
		}
	})
	return int(next.Load())
}
