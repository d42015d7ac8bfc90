package main

import (
	"fmt"
	"strconv"
	"time"
)

// secondsFlag is a duration that is given as a number of seconds.
type secondsFlag struct{ into *time.Duration }

func (f secondsFlag) String() string {
	if f.into == nil {
		return ""
	}
	return strconv.FormatFloat(f.into.Seconds(), 'g', -1, 64)
}

func (f secondsFlag) Set(text string) error {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || seconds < 0 {
		return fmt.Errorf("%q is not a number of seconds", text)
	}
	*f.into = asDuration(seconds)
	return nil
}

func asDuration(seconds float64) time.Duration {
	return time.Duration(seconds * float64(time.Second))
}
