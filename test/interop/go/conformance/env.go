package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// env is what a case gets: the node under test, the flags, and a place for its facts.
type env struct {
	node       peer.AddrInfo
	security   string
	publicIP   string
	idle       time.Duration
	streamIdle time.Duration
	clients    int
	batch      int
	watch      time.Duration
	perAddress int
	rendezvous string
	keys       int
	rate       float64
	lasting    time.Duration

	nodes          []peer.AddrInfo // the node under test and those that it is federated with
	advertiseEvery time.Duration
	pollEvery      time.Duration
	want           int

	started time.Time
	facts   map[string]any

	mu      sync.Mutex
	closers []func() error
}

func (e *env) progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%6.2fs %s\n", time.Since(e.started).Seconds(), fmt.Sprintf(format, args...))
}

// atEnd registers what to close after the case, last first.
func (e *env) atEnd(closer func() error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closers = append(e.closers, closer)
}

func (e *env) close() {
	for i := len(e.closers) - 1; i >= 0; i-- {
		if err := e.closers[i](); err != nil {
			e.progress("closing: %v", err)
		}
	}
}

// await looks every few milliseconds whether cond holds, for what no event tells; cond may end the wait with an error.
func await(ctx context.Context, limit time.Duration, what string, cond func() (bool, error)) error {
	deadline, stop := context.WithTimeout(ctx, limit)
	defer stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := cond()
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		if ok {
			return nil
		}
		select {
		case <-ticker.C:
		case <-deadline.Done():
			return fmt.Errorf("%s: not within %s", what, limit)
		}
	}
}

// rest lets time pass where time itself is the subject.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func milliseconds(since time.Time) int64 {
	return time.Since(since).Milliseconds()
}
