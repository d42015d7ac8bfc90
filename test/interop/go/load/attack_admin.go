package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// questionsOfAPage are what a web page or a scanner could make somebody's browser ask; none may be answered with 200.
func questionsOfAPage(host string) []string {
	ask := func(method, path, hostHeader string, more ...string) string {
		lines := append([]string{fmt.Sprintf("%s %s HTTP/1.1", method, path), "Host: " + hostHeader, "Connection: close"}, more...)
		return strings.Join(lines, "\r\n") + "\r\n\r\n"
	}
	return []string{
		ask("GET", "/healthz", "attacker.example"),
		ask("GET", "/readyz", "attacker.example:6061"),
		ask("GET", "/healthz", "localhost.attacker.example"),
		ask("GET", "/healthz", "127.0.0.1.attacker.example"),
		ask("GET", "/../../etc/passwd", host),
		ask("GET", "/%2e%2e/%2e%2e/etc/passwd", host),
		ask("GET", "//healthz/../../", host),
		ask("GET", "/__proto__", host),
		ask("GET", "/constructor", host),
		ask("POST", "/healthz", host, "Content-Length: 1000000"),
		ask("PUT", "/healthz", host),
		ask("DELETE", "/readyz", host),
		ask("GET", "/healthz", host, "X: "+strings.Repeat("a", 100<<10)),
		ask("GET", "/"+strings.Repeat("a", 100<<10), host),
		ask("GET", "/healthz", host, "Transfer-Encoding: chunked", "Content-Length: 5"),
		"GET /healthz HTTP/1.1\r\nHost: " + host + "\r\nHost: attacker.example\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
	}
}

const (
	slowConnections = 200
	slowEvery       = 500 * time.Millisecond
)

// harassAdmin asks what a web page could ask, and holds connections that send a header a byte at a time.
func harassAdmin(a *attacker) error {
	if a.admin == "" {
		return errors.New("-admin: where the admin server is")
	}
	questions := questionsOfAPage(a.admin)
	for range slowConnections {
		go a.dripHeader()
	}
	i := 0
	for ; !a.over(); i++ {
		a.count(a.askAdmin(questions[i%len(questions)]), 1)
	}
	return nil
}

// askAdmin is the kind of the answer to raw bytes.
func (a *attacker) askAdmin(question string) string {
	conn, err := net.DialTimeout("tcp4", a.admin, a.dialTimeout)
	if err != nil {
		return "refused"
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := io.WriteString(conn, question); err != nil {
		return "cut off"
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return "cut off"
	}
	response.Body.Close()
	return fmt.Sprintf("status %d", response.StatusCode)
}

func (a *attacker) dripHeader() {
	for !a.over() {
		conn, err := net.DialTimeout("tcp4", a.admin, a.dialTimeout)
		if err != nil {
			time.Sleep(slowEvery)
			continue
		}
		_, err = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: "+a.admin+"\r\nX: ")
		for err == nil && !a.over() {
			time.Sleep(slowEvery)
			_, err = conn.Write([]byte{'a'})
		}
		conn.Close()
	}
}
