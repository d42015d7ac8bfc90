package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
	"golang.org/x/sync/errgroup"
)

const (
	// patience is how long the case waits for the node to give up; the deadline that it must keep is the test's.
	patience     = 40 * time.Second
	eachPhase    = 10
	noiseKeySize = 32
)

// phase is how far a client goes before it falls silent.
type phase func(ctx context.Context, e *env, conn net.Conn) (io.Reader, error)

var phases = map[string]map[string]phase{
	"noise": {
		"nothing said":           sayNothing,
		"multistream header":     sayHeader,
		"/noise chosen":          func(_ context.Context, _ *env, c net.Conn) (io.Reader, error) { return choose(c, noise.ID) },
		"noise message 1":        sayNoiseMessage1,
		"secured by noise":       secureOnly,
		"a stream and no choice": nil,
	},
	"tls": {
		"nothing said":           sayNothing,
		"multistream header":     sayHeader,
		"/tls chosen":            func(_ context.Context, _ *env, c net.Conn) (io.Reader, error) { return choose(c, libp2ptls.ID) },
		"TLS ClientHello":        sayClientHello,
		"secured by TLS":         secureOnly,
		"a stream and no choice": nil,
	},
}

type ending struct {
	phase string
	after time.Duration
}

// runHostileHandshake holds several connections in each phase of the way to a stream, and tells when the node ended the last of
// each.
func runHostileHandshake(ctx context.Context, e *env) error {
	if phases[e.security] == nil {
		return errors.New("-sec: one of tls and noise")
	}
	group, ctx := errgroup.WithContext(ctx)
	endings := make(chan ending, eachPhase*len(phases[e.security]))
	for name, stall := range phases[e.security] {
		for range eachPhase {
			group.Go(func() error {
				after, err := e.endOf(ctx, stall)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				endings <- ending{name, after}
				return nil
			})
		}
	}
	err := group.Wait()
	close(endings)
	slowest := make(map[string]int64)
	for ended := range endings {
		slowest[ended.phase] = max(slowest[ended.phase], ended.after.Milliseconds())
	}
	e.facts["ended_after_ms"] = slowest
	return err
}

func (e *env) endOf(ctx context.Context, stall phase) (time.Duration, error) {
	began := time.Now()
	if stall == nil {
		return e.endOfSilentStream(ctx, began)
	}
	addr, err := manet.ToNetAddr(e.node.Addrs[0])
	if err != nil {
		return 0, err
	}
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(began.Add(patience)); err != nil {
		return 0, err
	}
	silent, err := stall(ctx, e, conn)
	if err != nil {
		return 0, err
	}
	// the security takes its own deadline off again
	if err := conn.SetDeadline(began.Add(patience)); err != nil {
		return 0, err
	}
	return awaitEnd(silent, began)
}

// awaitEnd reads until the node ends it, however it does that.
func awaitEnd(in io.Reader, began time.Time) (time.Duration, error) {
	_, err := io.Copy(io.Discard, in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, fmt.Errorf("still open after %s", patience)
	}
	return time.Since(began), nil
}

// endOfSilentStream opens a stream and chooses no protocol; the connection has to outlive it.
func (e *env) endOfSilentStream(ctx context.Context, began time.Time) (time.Duration, error) {
	h, err := e.newHost("127.0.0.1")
	if err != nil {
		return 0, err
	}
	conn, err := e.connect(ctx, h)
	if err != nil {
		return 0, err
	}
	stream, err := conn.NewStream(ctx)
	if err != nil {
		return 0, err
	}
	if err := stream.SetReadDeadline(began.Add(patience)); err != nil {
		return 0, err
	}
	after, err := awaitEnd(stream, began)
	if err == nil && conn.IsClosed() {
		err = errors.New("the connection went with the stream")
	}
	return after, err
}

func sayNothing(_ context.Context, _ *env, conn net.Conn) (io.Reader, error) { return conn, nil }

func sayHeader(_ context.Context, _ *env, conn net.Conn) (io.Reader, error) {
	_, err := conn.Write([]byte("\x13/multistream/1.0.0\n"))
	return conn, err
}

func choose(conn net.Conn, security string) (io.Reader, error) {
	return conn, multistream.SelectProtoOrFail(security, conn)
}

// sayNoiseMessage1 sends an ephemeral key, which is all that message 1 of XX has.
func sayNoiseMessage1(_ context.Context, _ *env, conn net.Conn) (io.Reader, error) {
	message := make([]byte, 2+noiseKeySize)
	message[1] = noiseKeySize
	if _, err := rand.Read(message[2:]); err != nil {
		return nil, err
	}
	if _, err := choose(conn, noise.ID); err != nil {
		return nil, err
	}
	_, err := conn.Write(message)
	return conn, err
}

// deaf hears nothing of the node's answer.
type deaf struct{ net.Conn }

func (deaf) Read([]byte) (int, error) { return 0, io.EOF }

func sayClientHello(_ context.Context, _ *env, conn net.Conn) (io.Reader, error) {
	if _, err := choose(conn, libp2ptls.ID); err != nil {
		return nil, err
	}
	client := tls.Client(deaf{conn}, &tls.Config{
		InsecureSkipVerify: true, // the handshake ends long before anything is verified
		MinVersion:         tls.VersionTLS13,
		NextProtos:         []string{"libp2p"},
	})
	if err := client.Handshake(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("a handshake that hears nothing: %w", err)
	}
	return conn, nil
}

// secureOnly secures the connection and chooses no muxer.
func secureOnly(ctx context.Context, e *env, conn net.Conn) (io.Reader, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, err
	}
	var transport sec.SecureTransport
	var id string
	if e.security == "noise" {
		id = noise.ID
		transport, err = noise.New(noise.ID, key, nil)
	} else {
		id = libp2ptls.ID
		transport, err = libp2ptls.New(libp2ptls.ID, key, nil)
	}
	if err != nil {
		return nil, err
	}
	if _, err := choose(conn, id); err != nil {
		return nil, err
	}
	return transport.SecureOutbound(ctx, conn, e.node.ID)
}
