package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/signal"
	"syscall"
)

// standBy says on a line of its own that the case is where its caller wants it, with the facts so far; the context that it
// gives ends when the caller sends SIGTERM, which ends no case with an error.
func (e *env) standBy(ctx context.Context) (context.Context, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	e.atEnd(func() error { stop(); return nil })
	e.facts["ready"] = true
	line, err := json.Marshal(e.facts)
	if err != nil {
		return nil, err
	}
	fmt.Println(string(line))
	delete(e.facts, "ready")
	return ctx, nil
}
