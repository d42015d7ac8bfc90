// load makes many light libp2p clients in one process, against any bootstrap node on 127.0.0.0/8, and reads from /proc what
// they cost it. The facts of a run are one JSON object on standard output; progress goes to standard error.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

var commands = map[string]func(*load, facts) error{
	"join":      joinCommand,
	"hold":      holdCommand,
	"providers": providersCommand,
	"findnode":  findNodeCommand,
	"burst":     burstCommand,
	"churn":     churnCommand,
	"cap":       capCommand,
	"honest":    honestCommand,
	"attack":    attackCommand,
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	const usage = "load join|hold|providers|findnode|burst|churn|cap|honest|attack -addr MULTIADDR [-pid PID] [flags]; -h lists the flags"
	if len(args) == 0 {
		return errors.New(usage)
	}
	command, known := commands[args[0]]
	if !known {
		return fmt.Errorf("no command %q: %s", args[0], usage)
	}
	o, err := parseOptions(args[0], args[1:])
	if err != nil {
		return err
	}
	l, err := newLoad(o)
	if err != nil {
		return err
	}
	f := facts{"cmd": args[0], "args": strings.Join(args[1:], " "), "tag": o.tag, "n": o.peers, "sec": o.security}
	if err := command(l, f); err != nil {
		return err
	}
	return f.write(o.out)
}
