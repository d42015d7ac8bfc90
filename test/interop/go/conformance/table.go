package main

import (
	"context"
	"time"
)

// runTable takes the time from the dial to the entry, because Advertise fails and waits 2 min while the table is empty.
func runTable(ctx context.Context, e *env) error {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return err
	}
	kad, err := e.newDHT(ctx, h)
	if err != nil {
		return err
	}
	began := time.Now()
	if _, err := e.connect(ctx, h); err != nil {
		return err
	}
	e.facts["connected_after_ms"] = milliseconds(began)
	if err := e.awaitTable(ctx, kad); err != nil {
		return err
	}
	e.facts["entry_after_ms"] = milliseconds(began)
	return nil
}
