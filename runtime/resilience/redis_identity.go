package resilience

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrForeignStore says that what answers at the address of Redis is not Redis. Nothing was sent to it but HELLO.
var ErrForeignStore = errors.New("what answers at the address of redis is not redis")

const (
	// connectionLifetime is the greatest age of a connection: a load balancer or a Service that has moved the address is
	// followed after it.
	connectionLifetime = 5 * time.Minute
	// maxHello bounds the answer to HELLO, in bytes: some 200 and a little for each module.
	maxHello = 64 << 10
	// respVersion is the version of the protocol that go-redis chooses.
	respVersion = 3
)

// redisServers are the values of HELLO's field "server" that count as Redis.
var redisServers = []string{"redis", "valkey"}

// dialFunc is what redis.Options.Dialer takes.
type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialRedis connects, through TLS where that is configured, and has the server prove that it is Redis before go-redis may send anything
// over the connection. Each of the two may take the timeout.
func dialRedis(timeout time.Duration, encrypted *tls.Config) dialFunc {
	dialer := net.Dialer{Timeout: timeout, KeepAlive: 15 * time.Second}
	if encrypted == nil {
		return proveRedis(dialer.DialContext, timeout)
	}
	return proveRedis((&tls.Dialer{NetDialer: &dialer, Config: encrypted}).DialContext, timeout)
}

// proveRedis wraps a dialer: a connection whose peer does not answer HELLO as Redis does is closed.
//
// HELLO goes without AUTH, for a password must not reach a stranger either. A Redis with a password refuses it with
// NOAUTH, a word of its own protocol that no other kind of server says. That is enough to send it the password, which a
// Redis of somebody else would refuse, and not enough to send it data: confirmRedis asks again after AUTH. This tells
// mistakes apart (an address that another program has taken), not malice: whoever imitates HELLO passes; TLS is for that.
// Sentinels and nodes that a Cluster tells of are asked the same.
func proveRedis(dial dialFunc, timeout time.Duration) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := hello(conn, timeout); err != nil {
			_ = conn.Close()
			return nil, err
		}
		return conn, nil
	}
}

func hello(conn net.Conn, timeout time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("*1\r\n$5\r\nHELLO\r\n")); err != nil {
		return err
	}
	answer := bufio.NewReader(io.LimitReader(conn, maxHello))
	fields, err := readReply(answer)
	switch {
	case redis.HasErrorPrefix(err, "NOAUTH"):
		err = nil
	case err == nil:
		err = provesRedis(fields)
	}
	if err == nil && answer.Buffered() > 0 {
		err = fmt.Errorf("%w: it says more than it was asked", ErrForeignStore)
	}
	if err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

// provesRedis looks for the field "server" in the answer to HELLO, a list of names and values.
func provesRedis(answer any) error {
	fields, _ := answer.([]any)
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] != "server" {
			continue
		}
		if server, ok := fields[i+1].(string); ok && slices.Contains(redisServers, server) {
			return nil
		}
	}
	return fmt.Errorf("%w: its HELLO names no server known here", ErrForeignStore)
}

// confirmation is redis.Options.OnConnect: where there is a password, confirmRedis. Sentinels have the same.
func confirmation(o RedisOptions) func(context.Context, *redis.Conn) error {
	if o.Password == "" && (o.Sentinel == nil || o.Sentinel.Password == "") {
		return nil // proveRedis has had the answer in full
	}
	return confirmRedis
}

// confirmRedis asks again, after AUTH, when HELLO is answered in full.
func confirmRedis(ctx context.Context, conn *redis.Conn) error {
	fields, err := conn.Hello(ctx, respVersion, "", "", "").Result()
	if err != nil {
		return err
	}
	return provesRedis([]any{"server", fields["server"]})
}

// replyError is an error that Redis answered.
type replyError string

func (e replyError) Error() string { return string(e) }

// RedisError makes it one of go-redis's kind, so that outcomeOf tells it like one.
func (replyError) RedisError() {}

// refusals are the errors that Redis answers to HELLO, or to a connection, for a reason of its own.
var refusals = []string{"NOAUTH", "WRONGPASS", "NOPERM", "DENIED", "LOADING", "BUSY", "MASTERDOWN", "ERR max number of clients"}

// maxDepth bounds lists in lists: the modules of HELLO's answer have two levels.
const maxDepth = 8

// readReply reads one reply of RESP2: strings, integers and lists. Whatever else there is was not said by Redis.
func readReply(r *bufio.Reader) (any, error) { return readNested(r, maxDepth) }

func readNested(r *bufio.Reader, depth int) (any, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, foreignIfEnded(err, len(line))
	}
	line, complete := strings.CutSuffix(line, "\r\n")
	if !complete || line == "" || depth == 0 {
		return nil, ErrForeignStore
	}
	switch kind, rest := line[0], line[1:]; kind {
	case '+', ':':
		return rest, nil
	case '-':
		if slices.ContainsFunc(refusals, func(known string) bool { return strings.HasPrefix(rest, known) }) {
			return nil, replyError(rest)
		}
		return nil, fmt.Errorf("%w: it does not know HELLO", ErrForeignStore)
	case '$':
		return readBulk(r, rest)
	case '*':
		return readList(r, rest, depth-1)
	default:
		return nil, ErrForeignStore
	}
}

func readBulk(r *bufio.Reader, length string) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxHello {
		return nil, ErrForeignStore
	}
	text := make([]byte, n+len("\r\n"))
	if _, err := io.ReadFull(r, text); err != nil {
		return nil, foreignIfEnded(err, n)
	}
	return string(text[:n]), nil
}

func readList(r *bufio.Reader, length string, depth int) (any, error) {
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxHello {
		return nil, ErrForeignStore
	}
	var list []any
	for range n {
		member, err := readNested(r, depth)
		if err != nil {
			return nil, err
		}
		list = append(list, member)
	}
	return list, nil
}

// foreignIfEnded tells a peer that broke off what it said, or said too much, from one that closed before it said
// anything (a server that restarts) or said nothing in time.
func foreignIfEnded(err error, read int) error {
	if read > 0 && (errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)) {
		return ErrForeignStore
	}
	return err
}
