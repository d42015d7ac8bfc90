package main

import (
	"fmt"
	"math"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
)

const (
	firstHundred = 100 // Go's FindPeers stops there
	maxNewcomers = 1000
)

// honest are clients of the network, each in an address prefix of its own, that all provide one key and look it up while
// somebody else attacks.
type honest struct {
	*load
	key []byte
	// those of the first who have not left
	early    []*client
	measured atomic.Bool

	asking atomic.Int64

	mu      sync.Mutex
	late    []*client
	isEarly map[string]bool

	figures
}

// figures are of one time of measuring.
type figures struct {
	took, joinTook []time.Duration
	newcomers      int
	// of the answers while measured: the least honest among the first hundred, in parts of those listed; the last answer
	leastHonest                                  float64
	lastListed, lastEarly, lastLate, lastLateAll int

	failedRPCs, failedJoins *failures
}

func newFigures() figures {
	return figures{leastHonest: 1, failedRPCs: &failures{}, failedJoins: &failures{}}
}

// honestCommand says on a line that it is ready, measures from SIGUSR1 to SIGUSR2, gives its facts then on a line, and ends
// at SIGTERM.
func honestCommand(l *load, f facts) error {
	keys, err := l.rendezvousKeys()
	if err != nil {
		return err
	}
	h := &honest{load: l, key: keys[0], isEarly: map[string]bool{}, figures: newFigures()}
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTERM, syscall.SIGINT)
	if h.early, err = l.newClients(); err != nil {
		return err
	}
	for _, c := range h.early {
		h.isEarly[string(c.id)] = true
	}
	parallel(len(h.early), l.inFlight, func(i int) { h.settle(h.early[i], i) })
	if h.failedJoins.total() > 0 {
		return fmt.Errorf("%d of %d could not join: %v", h.failedJoins.total(), len(h.early), h.failedJoins.counts)
	}
	if err := h.leave(l.away); err != nil {
		return err
	}
	fmt.Println(`{"ready":true}`)
	ended := make(chan struct{})
	for sig := range signals {
		switch sig {
		case syscall.SIGUSR1:
			h.figures = newFigures()
			h.measured.Store(true)
			ended = make(chan struct{})
			go h.poll(ended)
			go h.welcome(ended)
		case syscall.SIGUSR2:
			h.measured.Store(false)
			close(ended)
			await(l.rpcTimeout, func() bool { return h.asking.Load() == 0 })
			measured := facts{}
			h.enter(measured)
			if err := measured.write(""); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

// settle lets the i-th of all come from its own prefix, join and provide.
func (h *honest) settle(c *client, i int) {
	c.moveTo(fmt.Sprintf("127.%d.%d.1", 1+i%100, i/100))
	if err := c.join(); err != nil {
		h.failedJoins.add(c.stage, err)
		return
	}
	if err := c.addProvider(h.key); err != nil {
		h.failedJoins.add("provide", err)
	}
}

// leave lets every other go, until so many have gone: their records stay.
func (h *honest) leave(count int) error {
	var staying []*client
	for i, c := range h.early {
		if i%2 == 0 || count == 0 {
			staying = append(staying, c)
			continue
		}
		// an ADD has no answer: the server has read it before it answers this
		if _, err := c.ask(&kadpb.Message{Type: kadpb.Message_PING}); err != nil {
			return err
		}
		c.close()
		count--
	}
	h.early = staying
	return nil
}

// poll asks at -qps; a latency counts from the moment in which the request was due.
func (h *honest) poll(ended <-chan struct{}) {
	started := time.Now()
	for i := 0; ; i++ {
		due := started.Add(asDuration(float64(i) / h.qps))
		select {
		case <-ended:
			return
		case <-time.After(time.Until(due)):
		}
		h.asking.Add(1)
		go func() {
			defer h.asking.Add(-1)
			answer, err := h.early[i%len(h.early)].getProviders(h.key)
			if err != nil {
				h.failedRPCs.add("rpc", err)
				return
			}
			h.answered(answer, time.Since(due))
		}()
	}
}

func (h *honest) answered(answer *kadpb.Message, took time.Duration) {
	listed := answer.ProviderPeers[:min(firstHundred, len(answer.ProviderPeers))]
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took = append(h.took, took)
	early, late := 0, 0
	for _, p := range listed {
		if isEarly, known := h.isEarly[string(p.Id)]; known && isEarly {
			early++
		} else if known {
			late++
		}
	}
	h.leastHonest = math.Min(h.leastHonest, each(float64(early+late), len(listed)))
	h.lastListed, h.lastEarly, h.lastLate, h.lastLateAll = len(listed), early, late, len(h.late)
}

// welcome lets newcomers join at -rate; they provide and stay.
func (h *honest) welcome(ended <-chan struct{}) {
	beat := time.NewTicker(asDuration(1 / h.rate))
	defer beat.Stop()
	for {
		select {
		case <-ended:
			return
		case <-beat.C:
		}
		h.mu.Lock()
		place := len(h.early) + len(h.late) + int(h.asking.Load())
		h.mu.Unlock()
		if place > maxNewcomers {
			return
		}
		h.asking.Add(1)
		go func() {
			defer h.asking.Add(-1)
			c, err := h.newClient(place)
			if err != nil {
				h.failedJoins.add("identity", err)
				return
			}
			h.settle(c, place)
			h.mu.Lock()
			defer h.mu.Unlock()
			h.late = append(h.late, c)
			h.newcomers++
			h.isEarly[string(c.id)] = false
			if c.joined.Load() {
				h.joinTook = append(h.joinTook, c.joinTook)
			}
		}()
	}
}

func (h *honest) enter(f facts) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f["clients"], f["kept"] = len(h.early), len(aliveOf(h.early))
	f["requests"] = len(h.took)
	h.failedRPCs.enter(f, "errors")
	f["reopened"] = h.kadReopenings.Load()
	f["p50_ms"], f["p99_ms"], f["max_ms"] = percentileMS(h.took, .5), percentileMS(h.took, .99), percentileMS(h.took, 1)
	h.failedJoins.enter(f, "join_errors")
	f["newcomers"], f["newcomers_joined"], f["late_kept"] = h.newcomers, len(h.joinTook), len(aliveOf(h.late))
	f["join_p50_ms"], f["join_max_ms"] = percentileMS(h.joinTook, .5), percentileMS(h.joinTook, 1)
	f["least_honest_share"] = h.leastHonest
	f["late"] = len(h.late)
	f["last_listed"], f["last_early"], f["last_late"], f["last_late_of"] = h.lastListed, h.lastEarly, h.lastLate, h.lastLateAll
}
