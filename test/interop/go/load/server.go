package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	msPerTick  = 10 // USER_HZ is 100 on Linux
	maxLogTail = 1 << 20
)

// sample is what the server's process and its children use.
type sample struct {
	cpuMS         float64
	rssKB, peakKB int64
	openFiles     int
}

// sampleServer is zero without -pid, or when the server is gone.
func (l *load) sampleServer() (s sample) {
	if l.pid == 0 {
		return s
	}
	for _, pid := range family(l.pid) {
		ticks, err := cpuTicks(pid)
		if err != nil {
			continue
		}
		s.cpuMS += ticks * msPerTick
		s.rssKB += statusKB(pid, "VmRSS:")
		s.peakKB += statusKB(pid, "VmHWM:")
		files, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
		s.openFiles += len(files)
	}
	return s
}

// statFields are the fields of /proc/PID/stat after the command's name: state, parent, …
func statFields(pid int) ([]string, error) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, err
	}
	text := string(content)
	return strings.Fields(text[strings.LastIndexByte(text, ')')+1:]), nil
}

func cpuTicks(pid int) (float64, error) {
	fields, err := statFields(pid)
	if err != nil {
		return 0, err
	}
	user, err := strconv.ParseFloat(fields[11], 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseFloat(fields[12], 64)
	return user + system, err
}

func statusKB(pid int, name string) (kB int64) {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(content), "\n") {
		if value, found := strings.CutPrefix(line, name); found {
			kB, _ = strconv.ParseInt(strings.Fields(value)[0], 10, 64)
		}
	}
	return kB
}

// family is a process with all that descend from it.
func family(pid int) []int {
	children := map[int][]int{}
	directories, _ := filepath.Glob("/proc/[0-9]*")
	for _, directory := range directories {
		child, _ := strconv.Atoi(filepath.Base(directory))
		if fields, err := statFields(child); err == nil {
			parent, _ := strconv.Atoi(fields[1])
			children[parent] = append(children[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all
}

// statusLine is the last status line of the server's log.
func (l *load) statusLine() string {
	if l.log == "" {
		return ""
	}
	content, err := os.ReadFile(l.log)
	if err != nil {
		return err.Error()
	}
	text := string(content[max(0, len(content)-maxLogTail):])
	at := strings.LastIndex(text, "Status:")
	if at < 0 {
		return ""
	}
	line, _, _ := strings.Cut(text[at:], "\n")
	return line
}
