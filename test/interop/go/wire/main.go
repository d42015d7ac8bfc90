// wire is a network cable between two network namespaces of Linux that can be cut, slowed down and made lossy: two TUN devices,
// and packets carried from one to the other. For machines whose kernel has no netem, and for both directions at once. Needs root.
//
//	wire NAMESPACE-A ADDRESS-A NAMESPACE-B ADDRESS-B
//
// The namespaces exist; the devices, called wire, get the addresses with /24. It says "ready", and then obeys lines of standard
// input, each acknowledged by itself: "up", "down" (every packet is lost), "loss SHARE", "delay DURATION" (one way). It ends,
// and the devices with it, at the end of its input.
package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

const (
	maxPacket = 64 << 10
	// packets on their way in one direction: 10 MB/s at a delay of 150 ms; what is beyond is lost, as in a router
	maxUnderWay = 1024

	tunSetIff = 0x400454ca
	iffTun    = 0x0001
	iffNoPI   = 0x1000
)

// condition is what the cable does to packets.
type condition struct {
	mu    sync.Mutex
	down  bool
	loss  float64
	delay time.Duration
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "wire:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("wire NAMESPACE-A ADDRESS-A NAMESPACE-B ADDRESS-B")
	}
	var ends [2]*os.File
	for i := range ends {
		end, err := openEnd(fmt.Sprintf("wire%d-%d", os.Getpid(), i), args[2*i], args[2*i+1])
		if err != nil {
			return err
		}
		defer end.Close()
		ends[i] = end
	}
	c := &condition{}
	go c.carry(ends[0], ends[1])
	go c.carry(ends[1], ends[0])
	fmt.Println("ready")
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := c.obey(lines.Text()); err != nil {
			return err
		}
		fmt.Println(lines.Text())
	}
	return lines.Err()
}

// openEnd makes a TUN device and moves it to a namespace; the descriptor stays with it.
func openEnd(name, namespace, address string) (*os.File, error) {
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	var request [40]byte
	copy(request[:15], name)
	*(*uint16)(unsafe.Pointer(&request[16])) = iffTun | iffNoPI
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), tunSetIff, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return nil, fmt.Errorf("a TUN device: %w", errno)
	}
	for _, command := range []string{
		"link set " + name + " netns " + namespace,
		"-n " + namespace + " link set " + name + " name wire",
		"-n " + namespace + " address add " + address + "/24 dev wire",
		"-n " + namespace + " link set wire txqueuelen 10000 up",
	} {
		if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("ip %s: %w: %s", command, err, out)
		}
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (c *condition) obey(line string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	word, value, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "up", "down":
		c.down = word == "down"
	case "loss":
		c.loss, err = strconv.ParseFloat(value, 64)
	case "delay":
		c.delay, err = time.ParseDuration(value)
	default:
		err = fmt.Errorf("%q: up, down, loss SHARE or delay DURATION", line)
	}
	return err
}

type packet struct {
	bytes []byte
	due   time.Time
}

// carry reads packets and lets each out when it is due, in their order.
func (c *condition) carry(from, to *os.File) {
	underWay := make(chan packet, maxUnderWay)
	go func() {
		for p := range underWay {
			time.Sleep(time.Until(p.due))
			to.Write(p.bytes)
		}
	}()
	defer close(underWay)
	buffer := make([]byte, maxPacket)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		c.mu.Lock()
		isLost, delay := c.down || rand.Float64() < c.loss, c.delay
		c.mu.Unlock()
		if isLost {
			continue
		}
		select {
		case underWay <- packet{append([]byte(nil), buffer[:n]...), time.Now().Add(delay)}:
		default:
		}
	}
}
