package main

import (
	"fmt"
	"runtime"

	"github.com/libp2p/go-libp2p/core/network"
)

// printStatus prints the line that operators grep.
func (n *node) printStatus() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Printf("Status: connected=%d peerstore=%d dht_rt=%d goroutines=%d heap_alloc=%dMB heap_inuse=%dMB sys=%dMB\n",
		len(n.host.Network().Peers()), len(n.host.Peerstore().Peers()), n.kad.RoutingTable().Size(),
		runtime.NumGoroutine(), m.HeapAlloc>>20, m.HeapInuse>>20, m.Sys>>20)
}

// collectPeers forgets everybody who is not connected.
func (n *node) collectPeers() {
	store, removed := n.host.Peerstore(), 0
	for _, p := range store.Peers() {
		if p == n.host.ID() || n.host.Network().Connectedness(p) == network.Connected {
			continue
		}
		store.ClearAddrs(p)
		store.RemovePeer(p)
		removed++
	}
	if removed > 0 {
		fmt.Printf("Peerstore GC: removed %d stale peers, %d remaining (connected: %d)\n",
			removed, len(store.Peers()), len(n.host.Network().Peers()))
	}
}
