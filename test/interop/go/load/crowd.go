package main

import (
	"math"
	"sync"
	"time"
)

const (
	identifyLimit = 15 * time.Second
	closesAtOnce  = 64
)

// joinAll lets all clients join and enters what that cost. It returns what the server used before.
func (l *load) joinAll(clients []*client, f facts) sample {
	before := l.sampleServer()
	started := time.Now()
	var failed failures
	tenths := l.newTenths(len(clients), before.cpuMS)
	parallel(len(clients), l.inFlight, func(i int) {
		paced(started, i, l.rate)
		if err := clients[i].join(); err != nil {
			failed.add(clients[i].stage, err)
		}
		tenths.joined()
	})
	wall := time.Since(started)
	succeeded := len(clients) - failed.total()
	// the server identifies each of them too
	await(identifyLimit, func() bool { return int(l.identifiedUs.Load()) >= succeeded })
	f["all_identified_wall_s"] = time.Since(started).Seconds()
	time.Sleep(2 * time.Second) // what it does after that belongs to the join as well
	after := l.sampleServer()

	alive := aliveOf(clients)
	took := make([]time.Duration, len(alive))
	for i, c := range alive {
		took[i] = c.joinTook
	}
	failed.enter(f, "join_errors")
	f["joined"] = len(alive)
	f["joins_per_s"] = float64(succeeded) / wall.Seconds()
	f["join_wall_s"] = wall.Seconds()
	f["srv_identified_us"] = l.identifiedUs.Load()
	f["srv_meshsub_streams_to_us"] = l.meshStreams.Load()
	f["join_p50_ms"], f["join_p99_ms"] = percentileMS(took, .5), percentileMS(took, .99)
	f["srv_cpu_ms_per_join"] = each(after.cpuMS-before.cpuMS, succeeded)
	f["srv_cpu_ms_per_join_by_decile"] = tenths.cpuMS
	f["srv_rss_before_MB"] = float64(before.rssKB) / 1024
	progress("%d of %d joined in %.1f s, %.2f ms of CPU each", len(alive), len(clients), wall.Seconds(), f["srv_cpu_ms_per_join"])
	return before
}

// tenths measures what a join costs in each tenth of all joins.
type tenths struct {
	load       *load
	mu         sync.Mutex
	done, size int
	lastCPUMS  float64
	cpuMS      []float64
}

func (l *load) newTenths(joins int, cpuMS float64) *tenths {
	return &tenths{load: l, size: max(1, joins/10), lastCPUMS: cpuMS, cpuMS: []float64{}}
}

func (t *tenths) joined() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.done++; t.done%t.size == 0 {
		now := t.load.sampleServer().cpuMS
		t.cpuMS = append(t.cpuMS, math.Round((now-t.lastCPUMS)/float64(t.size)*100)/100)
		t.lastCPUMS = now
	}
}

// settle waits and enters what the connections hold in memory.
func (l *load) settle(before sample, connections int, f facts) sample {
	time.Sleep(l.options.settle)
	s := l.sampleServer()
	f["srv_rss_settled_MB"] = float64(s.rssKB) / 1024
	f["srv_rss_peak_MB"] = float64(s.peakKB) / 1024
	f["srv_rss_kB_per_conn"] = each(float64(s.rssKB-before.rssKB), connections)
	f["srv_fds"] = s.openFiles
	f["status_settled"] = l.statusLine()
	return s
}

// closeAll ends all connections and enters what that cost and what is left.
func (l *load) closeAll(clients []*client, before sample, f facts) {
	connected := len(aliveOf(clients))
	start := l.sampleServer()
	parallel(len(clients), closesAtOnce, func(i int) { clients[i].close() })
	time.Sleep(l.after)
	s := l.sampleServer()
	f["srv_cpu_ms_per_disconnect"] = each(s.cpuMS-start.cpuMS, connected)
	f["srv_rss_after_close_MB"] = float64(s.rssKB) / 1024
	f["srv_rss_left_kB_per_conn"] = each(float64(s.rssKB-before.rssKB), len(clients))
	f["srv_fds_after_close"] = s.openFiles
	f["status_after_close"] = l.statusLine()
}

func aliveOf(clients []*client) (alive []*client) {
	for _, c := range clients {
		if c.alive() {
			alive = append(alive, c)
		}
	}
	return alive
}
