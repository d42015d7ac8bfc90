package main

import "time"

func joinCommand(l *load, f facts) error {
	if l.full {
		return joinFull(l, f)
	}
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	before := l.joinAll(clients, f)
	l.settle(before, len(aliveOf(clients)), f)
	l.closeAll(clients, before, f)
	return nil
}

// holdCommand measures what connections cost that do nothing but answer pings.
func holdCommand(l *load, f facts) error {
	clients, err := l.newClients()
	if err != nil {
		return err
	}
	before := l.joinAll(clients, f)
	held := len(aliveOf(clients))
	start := l.settle(before, held, f)
	progress("holding %d connections for %s", held, l.hold)
	time.Sleep(l.hold)
	end := l.sampleServer()
	percent := (end.cpuMS - start.cpuMS) / float64(l.hold.Milliseconds()) * 100
	f["hold_s"] = l.hold.Seconds()
	f["idle_cpu_pct"] = percent
	f["idle_cpu_pct_per_1000_conns"] = each(percent, held) * 1000
	f["held_start"], f["held_end"] = held, len(aliveOf(clients))
	f["srv_rss_end_of_hold_MB"] = float64(end.rssKB) / 1024
	f["srv_rss_kB_per_conn_end_of_hold"] = each(float64(end.rssKB-before.rssKB), held)
	l.closeAll(clients, before, f)
	return nil
}
