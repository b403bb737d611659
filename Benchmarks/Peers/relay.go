// A relay as people write it in Go: two goroutines a connection, one that reads lines and one that writes what comes
// through the client's channel, and a map of clients under a mutex.
//
//	go build relay.go
//	relay PORT
package main

import (
	"bufio"
	"log"
	"net"
	"os"
	"sync"
)

const longestLine = 64 << 10

type client struct {
	lines chan []byte
	gone  chan struct{} // closed when the client leaves, so that nobody waits for it
}

var (
	mutex   sync.RWMutex
	clients = map[*client]struct{}{}
)

// broadcast waits for a client whose channel is full, as the well-known chat example does, until that client leaves.
func broadcast(line []byte, sender *client) {
	mutex.RLock()
	others := make([]*client, 0, len(clients))
	for other := range clients {
		if other != sender {
			others = append(others, other)
		}
	}
	mutex.RUnlock()
	for _, other := range others {
		select {
		case other.lines <- line:
		case <-other.gone:
		}
	}
}

func (c *client) write(conn net.Conn) {
	defer conn.Close()
	out := bufio.NewWriter(conn)
	for {
		select {
		case line := <-c.lines:
			if _, err := out.Write(line); err != nil {
				return
			}
			// Flushed when nothing more waits, so that a burst leaves in few writes.
			if len(c.lines) == 0 && out.Flush() != nil {
				return
			}
		case <-c.gone:
			return
		}
	}
}

func serve(conn net.Conn) {
	self := &client{lines: make(chan []byte, 256), gone: make(chan struct{})}
	mutex.Lock()
	clients[self] = struct{}{}
	mutex.Unlock()
	go self.write(conn)

	input := bufio.NewScanner(conn)
	input.Buffer(make([]byte, 0, 4096), longestLine)
	for input.Scan() {
		line := append([]byte(nil), input.Bytes()...)
		broadcast(append(line, '\n'), self)
	}

	mutex.Lock()
	delete(clients, self)
	mutex.Unlock()
	close(self.gone)
	conn.Close()
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: relay PORT")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on ", os.Args[1])
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Print(err)
			continue
		}
		go serve(conn)
	}
}
