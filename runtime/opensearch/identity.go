package opensearch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// ErrForeignStore says that what answers at the address of OpenSearch is not OpenSearch, or is another cluster than the one
// that answered first. It was sent no document, and a password only if it has shown a certificate that is trusted.
var ErrForeignStore = errors.New("what answers at the address is not this service's OpenSearch")

// errStarting is a node that does not know its cluster yet.
var errStarting = errors.New("OpenSearch does not know its cluster yet")

const (
	// productHeader is in every answer of OpenSearch since 2.9: "OpenSearch/3.4.0 (opensearch)".
	productHeader = "X-OpenSearch-Version"
	product       = "OpenSearch/"
	// distribution is what GET / says of the version, before 2.9 as well.
	distribution = "opensearch"
	// unknownUUID is the UUID of a cluster that has not formed.
	unknownUUID = "_na_"
	// proofTimeout bounds the proof of a connection, and each of the two steps before it.
	proofTimeout = 2 * time.Second
	// maxProof bounds the answer to GET /, in bytes: some 700.
	maxProof = 64 << 10
)

// identity is the cluster that this process has seen first. A cluster that was made anew has another UUID and none of the
// documents: serving from it would look like an empty index, and writing to it would split the documents between two. A
// restart of the process takes what it finds.
type identity struct {
	mu   sync.Mutex
	uuid string
	name string
	// namesProduct says that the cluster sends productHeader, so that an answer without it is somebody else's.
	namesProduct bool
	// authorization is the header that proves who asks; empty for none. Where there is one, all connections are TLS.
	authorization string
}

// clusterInfo is the part of the answer to GET / that proves whose it is.
type clusterInfo struct {
	ClusterName string `json:"cluster_name"`
	ClusterUUID string `json:"cluster_uuid"`
	Version     struct {
		Distribution string `json:"distribution"`
	} `json:"version"`
}

// accept remembers the first cluster and refuses every other.
func (i *identity) accept(c clusterInfo, namesProduct bool) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch i.uuid {
	case "":
		i.uuid, i.name, i.namesProduct = c.ClusterUUID, c.ClusterName, namesProduct
		return nil
	case c.ClusterUUID:
		i.namesProduct = i.namesProduct && namesProduct // during an upgrade not all nodes do
		return nil
	}
	return fmt.Errorf("%w: it is cluster %q (%s), and the server began with %q (%s); if the cluster was made anew, restart the server",
		ErrForeignStore, c.ClusterName, c.ClusterUUID, i.name, i.uuid)
}

// owns says whether an answer may be of the cluster that proved itself on the connection.
func (i *identity) owns(answer *http.Response) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.namesProduct || namesProduct(answer)
}

// forbids says that an answer is about who asks. What stands before the cluster may give it, which does not name the product.
func forbids(answer *http.Response) bool {
	return answer.StatusCode == http.StatusUnauthorized || answer.StatusCode == http.StatusForbidden
}

func namesProduct(answer *http.Response) bool {
	return strings.HasPrefix(answer.Header.Get(productHeader), product)
}

// prove asks who answers on a new connection, with GET and nothing of the service in it but its password, if it has
// one. The connection can be used for requests when it returns nil.
func (i *identity) prove(conn net.Conn, host, path string) error {
	if err := conn.SetDeadline(time.Now().Add(proofTimeout)); err != nil {
		return err
	}
	question, err := http.NewRequest(http.MethodGet, "http://"+host+path, nil) //nolint:noctx // the deadline is the connection's
	if err != nil {
		return err
	}
	question.Header.Set("Accept", "application/json")
	if i.authorization != "" {
		question.Header.Set("Authorization", i.authorization)
	}
	if err := question.Write(conn); err != nil {
		return err
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxProof))
	answer, err := http.ReadResponse(reader, question)
	if err != nil {
		return foreignUnlessBroken(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return foreignUnlessBroken(err)
	}
	if err := i.verify(answer, body); err != nil {
		return err
	}
	if answer.Close || reader.Buffered() > 0 {
		return fmt.Errorf("%w: it does not keep the connection that it proved itself on", ErrForeignStore)
	}
	return conn.SetDeadline(time.Time{})
}

func (i *identity) verify(answer *http.Response, body []byte) error {
	if answer.StatusCode != http.StatusOK {
		if namesProduct(answer) || i.authorization != "" && forbids(answer) {
			return newAnswerError(answer, body) // OpenSearch, which does not serve us
		}
		return fmt.Errorf("%w: it answers %d to GET /", ErrForeignStore, answer.StatusCode)
	}
	var info clusterInfo
	if err := json.Unmarshal(body, &info); err != nil || info.Version.Distribution != distribution || info.ClusterUUID == "" {
		return fmt.Errorf("%w: its answer to GET / does not say so", ErrForeignStore)
	}
	if info.ClusterUUID == unknownUUID {
		return errStarting
	}
	return i.accept(info, namesProduct(answer))
}

// foreignUnlessBroken tells an answer that is not HTTP, or too long, from a connection that broke or was silent.
func foreignUnlessBroken(err error) error {
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, io.EOF) {
		return err
	}
	return fmt.Errorf("%w: its answer to GET / is not HTTP, or has no end", ErrForeignStore)
}
