package main

import (
	"context"
	"fmt"
	"time"

	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p/core/peer"
)

// tableWatch looks how many clients have each node in their routing table.
type tableWatch struct {
	clients []*dht.IpfsDHT
	nodes   []peer.AddrInfo
	fewest  []int
	now     []int
	tell    func(format string, args ...any)
}

func (e *env) watchTables(clients []*dht.IpfsDHT) *tableWatch {
	nodes := e.nodes
	w := &tableWatch{clients, nodes, make([]int, len(nodes)), make([]int, len(nodes)), e.progress}
	for i := range nodes {
		w.fewest[i], w.now[i] = len(clients), len(clients)
	}
	return w
}

func (w *tableWatch) run(ctx context.Context) {
	for rest(ctx, 100*time.Millisecond) == nil {
		for i, node := range w.nodes {
			before := w.now[i]
			w.now[i] = holders(w.clients, node)
			w.fewest[i] = min(w.fewest[i], w.now[i])
			if w.now[i] != before {
				w.tell("node %d is in %d tables", i, w.now[i])
			}
		}
	}
}

func (w *tableWatch) facts() []map[string]any {
	facts := make([]map[string]any, len(w.nodes))
	for i := range facts {
		facts[i] = map[string]any{"tables": w.now[i], "fewest_tables": w.fewest[i]}
	}
	return facts
}

func holders(clients []*dht.IpfsDHT, node peer.AddrInfo) int {
	count := 0
	for _, kad := range clients {
		if kad.RoutingTable().Find(node.ID) != "" {
			count++
		}
	}
	return count
}

func awaitTables(ctx context.Context, clients []*dht.IpfsDHT, nodes []peer.AddrInfo) error {
	return await(ctx, everyoneLimit, fmt.Sprintf("%d nodes in all tables", len(nodes)), func() (bool, error) {
		for _, node := range nodes {
			if holders(clients, node) < len(clients) {
				return false, nil
			}
		}
		return true, nil
	})
}
