package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"interop/powerloom"
)

// config is what the environment says.
type config struct {
	lowWater, highWater int
	grace               time.Duration
	gcEvery             time.Duration
	statusEvery         time.Duration
	publicIP            string
	prefix              string
	logPeers            bool
	bootstrapPeers      []peer.AddrInfo
}

func configFromEnv() (config, error) {
	c := config{
		publicIP: os.Getenv("PUBLIC_IP"),
		prefix:   os.Getenv("GOSSIPSUB_SNAPSHOT_SUBMISSION_PREFIX"),
		logPeers: os.Getenv("LOG_PEERS") == "1",
	}
	if c.prefix == "" {
		c.prefix = powerloom.TopicPrefix
	}
	var err error
	for _, addr := range strings.FieldsFunc(os.Getenv("BOOTSTRAP_PEERS"), func(r rune) bool { return r == ',' }) {
		info, parseErr := peer.AddrInfoFromString(addr)
		if parseErr != nil {
			return c, fmt.Errorf("BOOTSTRAP_PEERS: %w", parseErr)
		}
		c.bootstrapPeers = append(c.bootstrapPeers, *info)
	}
	number := func(name string, fallback int) int {
		text := os.Getenv(name)
		if text == "" {
			return fallback
		}
		n, parseErr := strconv.Atoi(text)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("%s=%q is not an integer", name, text)
		}
		return n
	}
	duration := func(name string, fallback time.Duration) time.Duration {
		text := os.Getenv(name)
		if text == "" {
			return fallback
		}
		d, parseErr := time.ParseDuration(text)
		if parseErr != nil && err == nil {
			err = fmt.Errorf("%s=%q is not a duration", name, text)
		}
		return d
	}
	c.lowWater = number("CONN_MANAGER_LOW_WATER", 20000)
	c.highWater = number("CONN_MANAGER_HIGH_WATER", 50000)
	c.grace = duration("CONN_MANAGER_GRACE", time.Minute)
	c.gcEvery = duration("PEERSTORE_GC_INTERVAL", 2*time.Minute)
	c.statusEvery = duration("STATUS_INTERVAL", time.Minute)
	return c, err
}
