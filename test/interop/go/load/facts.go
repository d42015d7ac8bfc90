package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"
)

// facts are what a run found out; fractions keep three digits.
type facts map[string]any

func (f facts) write(file string) error {
	for name, value := range f {
		if number, ok := value.(float64); ok {
			f[name] = math.Round(number*1000) / 1000
		}
	}
	line, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if file == "" {
		_, err = fmt.Printf("%s\n", line)
		return err
	}
	out, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	_, err = fmt.Fprintf(out, "%s\n", line)
	return err
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "  "+format+"\n", args...)
}

// each is amount / count, and 0 for none.
func each(amount float64, count int) float64 {
	return amount / float64(max(1, count))
}

// percentileMS of durations that are sorted by it; 0 for none.
func percentileMS(durations []time.Duration, share float64) float64 {
	if len(durations) == 0 {
		return 0
	}
	slices.Sort(durations)
	return float64(durations[int(share*float64(len(durations)-1))].Microseconds()) / 1000
}

const maxErrorText = 140

var addressInError = regexp.MustCompile(`127\.\d+\.[0-9.:]+`)

// failures counts errors by stage and text.
type failures struct {
	mu     sync.Mutex
	counts map[string]int
}

func (e *failures) add(stage string, err error) {
	text := addressInError.ReplaceAllString(err.Error(), "ADDR")
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.counts == nil {
		e.counts = map[string]int{}
	}
	e.counts[stage+": "+text[max(0, len(text)-maxErrorText):]]++
}

func (e *failures) total() (sum int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, count := range e.counts {
		sum += count
	}
	return sum
}

// enter writes the total under name, and the kinds if there are any.
func (e *failures) enter(f facts, name string) {
	f[name] = e.total()
	if e.total() > 0 {
		f[name+"_kinds"] = e.counts
		progress("%s: %v", name, e.counts)
	}
}
