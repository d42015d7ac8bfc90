// conformance runs real go-libp2p clients against a running bootstrap node, one case a call.
//
//	conformance CASE -addr /ip4/…/tcp/…/p2p/… [-sec tls,noise] [flags of the case]
//
// Progress goes to stderr; stdout gets one line of JSON with the facts; a case that stays
// until SIGTERM says before, on a line of the same kind, that it is ready. Exit code: 0 passed, 1 failed, 2 wrong usage.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

type testCase struct {
	name string
	what string
	run  func(context.Context, *env) error
}

var cases = []testCase{
	{"rendezvous", "two clients that know only the node meet and exchange a message", runRendezvous},
	{"discovery", "two clients meet through pubsub's own discovery", runDiscovery},
	{"table", "the client's routing table holds the node", runTable},
	{"addresses", "private addresses come back unfiltered", runAddresses},
	{"announce", "identify lists the public and the listen address", runAnnounce},
	{"protocols", "identify lists what clients need", runProtocols},
	{"handshake", "security, early muxer negotiation and ping", runHandshake},
	{"push", "changed addresses are taken over from identify-push", runPush},
	{"records", "odd addresses and keys do not cost a client its stream", runRecords},
	{"relay", "reserve, reach a peer over the circuit, free the reservation", runRelay},
	{"relay-refused", "the limit of reservations per address", runRelayRefused},
	{"relay-data", "a circuit ends at its data limit", runRelayData},
	{"idle", "connections and streams without traffic", runIdle},
	{"flap", "the node stays in the clients' gossipsub", runFlap},
	{"provide", "a client provides a key and stays until SIGTERM", runProvide},
	{"find", "who provides a key", runFind},
	{"federation", "clients of several nodes, each of which knows one, advertise and poll until SIGTERM", runFederation},
	{"newcomer", "a client that comes late finds who provides a key", runNewcomer},
	{"filled", "a node itself holds the records of a key", runFilled},
	{"load", "clients poll the providers of a few keys", runLoad},
	{"burst", "many clients dial at once", runBurst},
	{"restart", "clients search once a second until SIGTERM, whatever becomes of the node", runRestart},
	{"hostile-handshake", "connections that fall silent on the way to a stream", runHostileHandshake},
	{"hostile-streams", "thousands of streams on one connection", runHostileStreams},
	{"hostile-subscriptions", "subscriptions to a hundred thousand topics", runHostileSubscriptions},
	{"hostile-pipeline", "thousands of requests whose answers nobody reads", runHostilePipeline},
}

func main() {
	if len(os.Args) < 2 {
		usage("which case?")
	}
	at := slices.IndexFunc(cases, func(c testCase) bool { return c.name == os.Args[1] })
	if at < 0 {
		usage("no case " + os.Args[1])
	}
	e, limit := parse(os.Args[2:])
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	err := cases[at].run(ctx, e)
	cancel()
	e.close()

	e.facts["case"], e.facts["sec"], e.facts["pass"] = cases[at].name, e.security, err == nil
	if err != nil {
		e.facts["reason"] = err.Error()
	}
	line, jsonErr := json.Marshal(e.facts)
	if jsonErr != nil {
		usage(jsonErr.Error())
	}
	fmt.Println(string(line))
	if err != nil {
		os.Exit(1)
	}
}

func parse(args []string) (*env, time.Duration) {
	e := &env{facts: make(map[string]any), started: time.Now()}
	flags := flag.NewFlagSet("conformance", flag.ExitOnError)
	addr := flags.String("addr", "", "the node's multiaddr with /p2p/<id>")
	flags.StringVar(&e.security, "sec", "tls,noise", "what the clients offer, the preferred one first")
	limit := flags.Duration("timeout", 2*time.Minute, "deadline of the whole case")
	flags.StringVar(&e.publicIP, "public-ip", "", "announce: the PUBLIC_IP of the node")
	flags.DurationVar(&e.idle, "idle", 65*time.Second, "idle: how long a connection stays without traffic")
	flags.DurationVar(&e.streamIdle, "stream-idle", 57*time.Second, "idle: how long a kad stream rests between two requests")
	flags.IntVar(&e.clients, "clients", 40, "flap, load, burst, restart: clients; federation: of each node")
	flags.IntVar(&e.batch, "batch", 4, "flap, load, burst, federation, restart: clients that join at once")
	flags.DurationVar(&e.watch, "watch", 10*time.Second, "flap, burst: how long the clients watch the node after joining")
	flags.IntVar(&e.perAddress, "per-address", 8, "relay-refused: reservations that one address may hold")
	also := flags.String("also", "", "federation: multiaddrs of the other nodes, with commas")
	flags.DurationVar(&e.advertiseEvery, "advertise-every", 5*time.Minute, "federation: how often a client renews its record")
	flags.DurationVar(&e.pollEvery, "poll-every", time.Second, "federation: how often a client looks for the others")
	flags.IntVar(&e.want, "want", 1, "filled: providers that there are")
	flags.StringVar(&e.rendezvous, "rendezvous", "interop", "provide, find, federation, newcomer, filled: the string whose key it is; load, restart: what its keys begin with")
	flags.IntVar(&e.keys, "keys", 6, "load, restart: keys that the clients share")
	flags.Float64Var(&e.rate, "rate", 320, "load: requests a second, of all clients together")
	flags.DurationVar(&e.lasting, "for", time.Minute, "load: how long, unless SIGTERM comes first")
	_ = flags.Parse(args)
	node, err := peer.AddrInfoFromString(*addr)
	if err != nil {
		usage("-addr: " + err.Error())
	}
	e.nodes = []peer.AddrInfo{*node}
	for _, addr := range strings.FieldsFunc(*also, func(r rune) bool { return r == ',' }) {
		more, err := peer.AddrInfoFromString(addr)
		if err != nil {
			usage("-also: " + err.Error())
		}
		e.nodes = append(e.nodes, *more)
	}
	for _, name := range strings.Split(e.security, ",") {
		if securities[name] == nil {
			usage("-sec: tls, noise, or both with a comma")
		}
	}
	e.node = *node
	return e, *limit
}

func usage(complaint string) {
	fmt.Fprintln(os.Stderr, complaint)
	for _, c := range cases {
		fmt.Fprintf(os.Stderr, "  %-22s %s\n", c.name, c.what)
	}
	os.Exit(2)
}
