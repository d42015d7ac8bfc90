package main

import (
	"flag"
	"time"
)

// options are the flags. Durations are given in seconds.
type options struct {
	addr, log, out, tag, security, keyTag             string
	attack, spread, admin                             string
	pid, peers, inFlight, sources, findNodes          int
	keys, rounds, networks, away                      int
	seed                                              int64
	noGossip, kadServer, each, full, silent, noAdd    bool
	qps, rate                                         float64
	settle, after, hold, gap, dialTimeout, rpcTimeout time.Duration
}

func parseOptions(command string, args []string) (*options, error) {
	o := &options{}
	fs := flag.NewFlagSet("load "+command, flag.ContinueOnError)
	seconds := func(into *time.Duration, name string, fallback float64, help string) {
		*into = asDuration(fallback)
		fs.Var(secondsFlag{into}, name, help)
	}
	fs.StringVar(&o.addr, "addr", "", "the server's multiaddr with /p2p/<id>")
	fs.IntVar(&o.pid, "pid", 0, "the server's process id (its children are counted too)")
	fs.IntVar(&o.peers, "n", 500, "peers")
	fs.IntVar(&o.inFlight, "c", 32, "joins (or RPCs, with -qps 0) in flight")
	fs.StringVar(&o.security, "sec", "default", "noise | tls | default (tls, noise)")
	fs.IntVar(&o.sources, "src", 8, "number of source addresses 127.0.0.2 ...; 0: let the kernel choose")
	fs.StringVar(&o.log, "log", "", "the server's log: its last 'Status:' line is shown")
	fs.IntVar(&o.findNodes, "findnode", 1, "FIND_NODE for the own id at each join")
	fs.BoolVar(&o.noGossip, "nogossip", false, "do not speak meshsub")
	fs.BoolVar(&o.kadServer, "kadserver", false, "list /ipfs/kad/1.0.0 in identify, as a DHT server does (real clients do not)")
	fs.Int64Var(&o.seed, "seed", 0, "fixed identities from this number; 0: new ones each time")
	fs.IntVar(&o.keys, "keys", 6, "provider keys")
	fs.StringVar(&o.keyTag, "keytag", "", "text in the rendezvous strings (same tag and seed: same keys)")
	fs.BoolVar(&o.each, "each", false, "every provider provides every key (else provider i provides key i mod keys)")
	fs.Float64Var(&o.qps, "qps", 320, "RPCs a second; 0: as fast as possible with -c in flight")
	fs.IntVar(&o.rounds, "rounds", 5, "churn rounds")
	fs.Float64Var(&o.rate, "rate", 0, "join, hold, cap: at most this many new joins a second; 0: no limit")
	fs.BoolVar(&o.full, "full", false, "join: real go-libp2p hosts with DHT client and gossipsub instead of light clients")
	fs.BoolVar(&o.silent, "silent", false, "only handshake and identify, no kad, no gossipsub")
	fs.BoolVar(&o.noAdd, "noadd", false, "providers: send no ADD_PROVIDER first")
	fs.StringVar(&o.out, "out", "", "append the facts as one JSON line to this file instead of standard output")
	fs.StringVar(&o.tag, "tag", "", "copied into the facts")
	fs.StringVar(&o.attack, "attack", "", "attack: which; see attack.go")
	fs.StringVar(&o.spread, "spread", "one", "attack: from one address | net24: from one /24 | nets: from -nets of them | many: from many")
	fs.IntVar(&o.networks, "nets", 1, "attack with -spread=nets: how many /24")
	fs.IntVar(&o.away, "away", 0, "honest: so many, at most half, leave once all provide")
	fs.StringVar(&o.admin, "admin", "", "attack admin: host:port of the server's admin HTTP")
	seconds(&o.settle, "settle", 15, "seconds between the last join and the memory reading")
	seconds(&o.after, "after", 15, "seconds between the last close and the memory reading")
	seconds(&o.hold, "t", 60, "seconds of hold, providers, findnode, cap")
	seconds(&o.gap, "gap", 5, "seconds after each churn round")
	seconds(&o.dialTimeout, "dialtimeout", 30, "seconds")
	seconds(&o.rpcTimeout, "rpctimeout", 10, "seconds")
	return o, fs.Parse(args)
}
