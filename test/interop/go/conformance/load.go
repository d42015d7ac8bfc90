package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	mh "github.com/multiformats/go-multihash"
	"golang.org/x/sync/errgroup"
)

// poller is a client that provides a key and asks for it at its own beat.
type poller struct {
	env  *env
	host host.Host
	kad  *kadStream
	key  mh.Multihash
	want int // providers of the key in this process
}

// tally is what all pollers saw.
type tally struct {
	mu        sync.Mutex
	latencies []time.Duration
	errors    int
	first     error
	lost      atomic.Int64
}

// runLoad lets clients provide a few keys and poll them at a total rate, for a time or until SIGTERM.
func runLoad(ctx context.Context, e *env) error {
	t := new(tally)
	pollers, err := e.newPollers(ctx, t)
	if err != nil {
		return err
	}
	life, err := e.standBy(ctx)
	if err != nil {
		return err
	}
	life, stop := context.WithTimeout(life, e.lasting)
	defer stop()
	every := time.Duration(float64(len(pollers)) / e.rate * float64(time.Second))
	var polling sync.WaitGroup
	for i, p := range pollers {
		polling.Add(1)
		go func() {
			defer polling.Done()
			p.poll(life, every, every*time.Duration(i)/time.Duration(len(pollers)), t)
		}()
	}
	polling.Wait()
	e.report(t)
	return nil
}

func (e *env) newPollers(ctx context.Context, t *tally) ([]*poller, error) {
	pollers := make([]*poller, e.clients)
	group, joining := errgroup.WithContext(ctx)
	group.SetLimit(e.batch)
	for i := range pollers {
		group.Go(func() (err error) {
			pollers[i], err = e.newPoller(joining, i, t)
			return err
		})
	}
	return pollers, group.Wait()
}

func (e *env) newPoller(ctx context.Context, i int, t *tally) (*poller, error) {
	key, err := rendezvousKey(fmt.Sprintf("%s/%d", e.rendezvous, i%e.keys))
	if err != nil {
		return nil, err
	}
	h, err := e.newVisitor(ctx)
	if err != nil {
		return nil, err
	}
	watching := &network.NotifyBundle{DisconnectedF: func(network.Network, network.Conn) { t.lost.Add(1) }}
	h.Network().Notify(watching)
	e.atEnd(func() error { h.Network().StopNotify(watching); return nil })
	// streams outlive the group's context
	kad, err := e.openKad(context.WithoutCancel(ctx), h)
	if err != nil {
		return nil, err
	}
	record := &pb.Message_Peer{Id: []byte(h.ID())}
	for _, addr := range h.Addrs() {
		record.Addrs = append(record.Addrs, addr.Bytes())
	}
	if err := kad.send(&pb.Message{Type: pb.Message_ADD_PROVIDER, Key: key, ProviderPeers: []*pb.Message_Peer{record}}); err != nil {
		return nil, err
	}
	// the node has taken the record once it has answered what follows on the stream
	if _, err := kad.getProviders(key); err != nil {
		return nil, err
	}
	return &poller{e, h, kad, key, (e.clients - i%e.keys + e.keys - 1) / e.keys}, nil
}

// poll asks at its beat. A latency counts from when the request was due, so that a slow answer is not hidden by the requests
// that it held up.
func (p *poller) poll(ctx context.Context, every, phase time.Duration, t *tally) {
	due := time.Now().Add(phase)
	for rest(ctx, time.Until(due)) == nil {
		list, err := p.kad.getProviders(p.key)
		if err == nil && len(list) < min(p.want, 100) {
			err = fmt.Errorf("%d providers instead of %d", len(list), p.want)
		}
		t.add(time.Since(due), err)
		if err != nil {
			p.reopen(ctx)
		}
		due = due.Add(every)
	}
}

func (p *poller) reopen(ctx context.Context) {
	_ = p.kad.stream.Reset()
	if kad, err := p.env.openKad(network.WithNoDial(context.WithoutCancel(ctx), "interop"), p.host); err == nil {
		p.kad = kad
	}
}

func (t *tally) add(latency time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies = append(t.latencies, latency)
	if err != nil {
		t.errors++
		if t.first == nil {
			t.first = err
		}
	}
}

func (e *env) report(t *tally) {
	slices.Sort(t.latencies)
	e.facts["requests"], e.facts["errors"], e.facts["disconnected"] = len(t.latencies), t.errors, t.lost.Load()
	if t.first != nil {
		e.facts["first_error"] = t.first.Error()
	}
	for name, share := range map[string]float64{"p50_ms": 0.5, "p99_ms": 0.99, "max_ms": 1} {
		if count := len(t.latencies); count > 0 {
			at := min(int(float64(count)*share), count-1)
			e.facts[name] = t.latencies[at].Seconds() * 1000
		}
	}
}
