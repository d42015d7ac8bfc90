package main

import (
	"sync"
	"sync/atomic"
	"time"
)

// parallel calls work for 0 … n-1, at most inFlight at a time.
func parallel(n, inFlight int, work func(i int)) {
	var next atomic.Int64
	var all sync.WaitGroup
	for range min(n, inFlight) {
		all.Add(1)
		go func() {
			defer all.Done()
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		}()
	}
	all.Wait()
}

// paced waits until the i-th of a row is due at rate a second; a rate of 0 does not wait.
func paced(started time.Time, i int, rate float64) {
	if rate > 0 {
		time.Sleep(time.Until(started.Add(asDuration(float64(i) / rate))))
	}
}

// await looks every 50 ms whether cond holds, for limit at most.
func await(limit time.Duration, cond func() bool) {
	for deadline := time.Now().Add(limit); !cond() && time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
	}
}
