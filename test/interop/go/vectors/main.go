// Command vectors prints kad messages as go-libp2p-kad-dht writes them, framed as on a stream, with what they were made from.
package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"

	pb "github.com/libp2p/go-libp2p-kad-dht/pb"
	recpb "github.com/libp2p/go-libp2p-record/pb"
	"google.golang.org/protobuf/encoding/protodelim"
)

type vector struct {
	Name         string  `json:"name"`
	Framed       string  `json:"framed"`
	Type         int32   `json:"type"`
	Key          string  `json:"key"`
	ClusterLevel int32   `json:"clusterLevel"`
	Closer       []peer  `json:"closer"`
	Providers    []peer  `json:"providers"`
	Record       *record `json:"record,omitempty"`
}

type peer struct {
	ID        string   `json:"id"`
	Addrs     []string `json:"addrs"`
	Connected bool     `json:"connected"`
}

type record struct {
	Key   string `json:"key"`
	Value string `json:"value"`
	Time  string `json:"time"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	id := unhex("00240801122003a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
	rsa := append(unhex("1220"), bytes.Repeat([]byte{0xab}, 32)...)
	tcp := unhex("047f000001060fa1")
	ip6 := append(append(unhex("29"), bytes.Repeat([]byte{0xfe}, 16)...), unhex("060fa1")...)
	unknown := unhex("fe7f01aa")
	key := append(unhex("1220"), []byte("0123456789abcdef0123456789abcdef")...)
	one := peerOf(id, false, tcp)
	here := peerOf(rsa, true, tcp, ip6, unknown)
	silent := peerOf(rsa, true)
	long := peerOf(id, true, bytes.Repeat([]byte{0x55}, 200))

	ping := pb.NewMessage(pb.Message_PING, nil, 0)
	findNode := pb.NewMessage(pb.Message_FIND_NODE, id, 1)
	found := pb.NewMessage(pb.Message_FIND_NODE, nil, 0)
	found.CloserPeers = []*pb.Message_Peer{here, one}
	add := pb.NewMessage(pb.Message_ADD_PROVIDER, key, 0)
	add.ProviderPeers = []*pb.Message_Peer{one}
	addMany := pb.NewMessage(pb.Message_ADD_PROVIDER, key, 0)
	addMany.ProviderPeers = []*pb.Message_Peer{here, silent, long}
	get := pb.NewMessage(pb.Message_GET_PROVIDERS, key, 0)
	providers := pb.NewMessage(pb.Message_GET_PROVIDERS, key, 300)
	providers.CloserPeers = []*pb.Message_Peer{one}
	providers.ProviderPeers = []*pb.Message_Peer{here, one, long}
	put := pb.NewMessage(pb.Message_PUT_VALUE, []byte("/pk/x"), 0)
	put.Record = &recpb.Record{Key: []byte("/pk/x"), Value: []byte("v"), TimeReceived: "2026-11-23T00:00:00.000Z"}
	value := pb.NewMessage(pb.Message_GET_VALUE, []byte("/pk/x"), 2)
	value.CloserPeers = []*pb.Message_Peer{here}
	value.Record = put.Record

	all := []vector{}
	for _, named := range []struct {
		name    string
		message *pb.Message
	}{
		{"PING", ping}, {"FIND_NODE", findNode}, {"FIND_NODE answer", found}, {"ADD_PROVIDER", add},
		{"ADD_PROVIDER of three", addMany}, {"GET_PROVIDERS", get}, {"GET_PROVIDERS answer", providers},
		{"PUT_VALUE", put}, {"GET_VALUE answer", value},
	} {
		made, err := describe(named.name, named.message)
		if err != nil {
			return err
		}
		all = append(all, made)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(map[string]any{
		"source":  "go-libp2p-kad-dht 0.34.0, by: cd test/interop/go && go run ./vectors > ../../rendezvous/go-vectors.json",
		"vectors": all,
	})
}

func describe(name string, m *pb.Message) (vector, error) {
	var framed bytes.Buffer
	if _, err := protodelim.MarshalTo(&framed, m); err != nil {
		return vector{}, fmt.Errorf("%s: %w", name, err)
	}
	made := vector{
		Name:         name,
		Framed:       hex.EncodeToString(framed.Bytes()),
		Type:         int32(m.Type),
		Key:          hex.EncodeToString(m.Key),
		ClusterLevel: m.ClusterLevelRaw,
		Closer:       describePeers(m.CloserPeers),
		Providers:    describePeers(m.ProviderPeers),
	}
	if m.Record != nil {
		made.Record = &record{
			hex.EncodeToString(m.Record.Key), hex.EncodeToString(m.Record.Value), m.Record.TimeReceived,
		}
	}
	return made, nil
}

func describePeers(peers []*pb.Message_Peer) []peer {
	all := []peer{}
	for _, p := range peers {
		addrs := []string{}
		for _, addr := range p.Addrs {
			addrs = append(addrs, hex.EncodeToString(addr))
		}
		all = append(all, peer{hex.EncodeToString(p.Id), addrs, p.Connection == pb.Message_CONNECTED})
	}
	return all
}

func peerOf(id []byte, connected bool, addrs ...[]byte) *pb.Message_Peer {
	p := &pb.Message_Peer{Id: id, Addrs: addrs}
	if connected {
		p.Connection = pb.Message_CONNECTED
	}
	return p
}

func unhex(digits string) []byte {
	all, err := hex.DecodeString(digits)
	if err != nil {
		panic(err)
	}
	return all
}
