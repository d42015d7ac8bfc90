// baseline is a Go libp2p bootstrap node that does on 127.0.0.1 what the network's Go service does: the suite's yardstick.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	port := flag.Int("port", 4001, "TCP port on 127.0.0.1")
	listen := flag.String("listen", "127.0.0.1", "IPv4 address to listen on")
	seed := flag.String("key-seed", "", "any text: the identity is ed25519(sha256(text)); empty: a new one")
	flag.Parse()
	if err := run(*listen, *port, *seed); err != nil {
		log.Fatal(err)
	}
}

func run(listen string, port int, seed string) error {
	c, err := configFromEnv()
	if err != nil {
		return err
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	n, err := startNode(c, listen, port, seed)
	if err != nil {
		return err
	}
	fmt.Printf("LISTEN /ip4/%s/tcp/%d/p2p/%s\n", listen, port, n.host.ID())
	status, gc := time.NewTicker(c.statusEvery), time.NewTicker(c.gcEvery)
	for {
		select {
		case <-status.C:
			n.printStatus()
		case <-gc.C:
			n.collectPeers()
		case <-signals:
			fmt.Println("Shutting down bootstrap node...")
			return n.close()
		}
	}
}
