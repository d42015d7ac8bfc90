package main

import (
	"context"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	tptu "github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	manet "github.com/multiformats/go-multiaddr/net"
)

// connect dials, secures the connection and starts the muxer.
func (c *client) connect() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.load.dialTimeout)
	defer cancel()
	upgrader, err := c.upgrader()
	if err != nil {
		return err
	}
	c.stage = "tcp"
	raw, err := c.dialTCP(ctx)
	if err != nil {
		return err
	}
	c.stage = "upgrade"
	c.connection, err = upgrader.Upgrade(ctx, c.load.tcp, raw, network.DirOutbound, c.load.serverID, &network.NullScope{})
	if err != nil {
		raw.Close()
		return err
	}
	go c.acceptStreams()
	return nil
}

func (c *client) dialTCP(ctx context.Context) (manet.Conn, error) {
	dialer := net.Dialer{}
	if c.source != "" {
		dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(c.source)}
	}
	raw, err := dialer.DialContext(ctx, "tcp4", c.load.serverTCP)
	if err != nil {
		return nil, err
	}
	return manet.WrapNetConn(raw)
}

// upgrader offers what -sec says; TLS first, as go-libp2p does.
func (c *client) upgrader() (transport.Upgrader, error) {
	var offers []sec.SecureTransport
	if c.load.security != "noise" {
		offer, err := libp2ptls.New(libp2ptls.ID, c.key, muxers)
		if err != nil {
			return nil, err
		}
		offers = append(offers, offer)
	}
	if c.load.security != "tls" {
		offer, err := noise.New(noise.ID, c.key, muxers)
		if err != nil {
			return nil, err
		}
		offers = append(offers, offer)
	}
	return tptu.New(offers, muxers, nil, nil, nil)
}
