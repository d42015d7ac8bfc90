package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"
)

// attacks are what one hostile process can do to a bootstrap node; each goes on until -t is over.
var attacks = map[string]func(*attacker) error{
	"connections":     holdConnections,
	"clients":         holdClients,
	"half-open":       holdHalfOpen,
	"handshakes":      burnHandshakes,
	"strange-keys":    burnStrangeKeys,
	"streams":         floodStreams,
	"resets":          floodResets,
	"slow-readers":    readSlowly,
	"closed-windows":  keepWindowsClosed,
	"yamux":           breakYamux,
	"pings":           floodPings,
	"giants":          sendGiants,
	"halves":          sendHalves,
	"identify":        bombIdentify,
	"pushes":          floodPushes,
	"provider-spam":   spamProviders,
	"foreign-records": nameForeigners,
	"sybil":           crowdOut,
	"values":          putJunk,
	"relay":           abuseRelay,
	"subscriptions":   floodSubscriptions,
	"gossip-control":  floodGossipControl,
	"log":             floodLog,
	"admin":           harassAdmin,
}

// attacker is one process that wishes the server ill.
type attacker struct {
	*load
	until time.Time
	ended atomic.Bool
	// what the honest clients look up
	key []byte

	next   atomic.Int64
	mu     sync.Mutex
	counts map[string]*atomic.Int64
	failed failures
}

// attackCommand runs the attack of -attack for -t seconds or until SIGTERM, and tells what it achieved and what that took of its
// own CPU.
func attackCommand(l *load, f facts) error {
	run, known := attacks[l.attack]
	if !known {
		return fmt.Errorf("-attack %q: one of %v", l.attack, slices.Sorted(maps.Keys(attacks)))
	}
	keys, err := l.rendezvousKeys()
	if err != nil {
		return err
	}
	a := &attacker{load: l, key: keys[0], until: time.Now().Add(l.hold), counts: map[string]*atomic.Int64{}}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	go func() {
		<-signals
		a.ended.Store(true)
	}()
	if err := run(a); err != nil {
		return err
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	achieved := map[string]int64{}
	for name, count := range a.counts {
		achieved[name] = count.Load()
	}
	f["attack"], f["achieved"] = l.attack, achieved
	f["attacker_cpu_s"] = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	a.failed.enter(f, "attacker_errors")
	return nil
}

func (a *attacker) over() bool { return a.ended.Load() || time.Now().After(a.until) }

// count adds to what was achieved, and gives the sum.
func (a *attacker) count(name string, n int) int64 {
	a.mu.Lock()
	counter := a.counts[name]
	if counter == nil {
		counter = new(atomic.Int64)
		a.counts[name] = counter
	}
	a.mu.Unlock()
	return counter.Add(int64(n))
}

const calmAfterFailure = 5 * time.Millisecond

// repeat runs work in so many goroutines until the time is over. Who fails tries again: a server that closes what hurts it
// has to bear the next attempt.
func (a *attacker) repeat(workers int, work func() error) {
	parallel(workers, workers, func(int) {
		for !a.over() {
			if err := work(); err != nil && !a.over() {
				a.failed.add("attack", err)
				time.Sleep(calmAfterFailure)
			}
		}
	})
}

// source is the address of the next connection.
func (a *attacker) source() string {
	i := int(a.next.Add(1))
	switch a.spread {
	case "net24":
		return fmt.Sprintf("127.200.0.%d", 1+i%254)
	case "nets":
		return fmt.Sprintf("127.200.%d.%d", i%a.networks, 1+i/a.networks%254)
	case "many":
		return fmt.Sprintf("127.%d.%d.%d", 150+i%50, i/50%256, 1+i/12800%250)
	default:
		return "127.200.0.1"
	}
}

// identity is a new client that comes from the next source.
func (a *attacker) identity() (*client, error) {
	c, err := a.newClient(rand.IntN(50000))
	if err != nil {
		return nil, err
	}
	c.moveTo(a.source())
	return c, nil
}

// moveTo gives a client another address, at which it also says to listen.
func (c *client) moveTo(ip string) {
	c.source = ip
	port, _ := c.listen.ValueForProtocol(ma.P_TCP)
	c.listen = ma.StringCast(fmt.Sprintf("/ip4/%s/tcp/%s", ip, port))
}

// held are connections that are to stay open: the oldest is closed for one too many.
type held struct {
	mu   sync.Mutex
	open []func()
	most int
}

func (h *held) keep(closer func()) {
	h.mu.Lock()
	h.open = append(h.open, closer)
	var oldest func()
	if len(h.open) > h.most {
		oldest, h.open = h.open[0], h.open[1:]
	}
	h.mu.Unlock()
	if oldest != nil {
		oldest()
	}
}

func (h *held) closeAll() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, closer := range h.open {
		closer()
	}
}
