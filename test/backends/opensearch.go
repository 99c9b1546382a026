package backends

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/ragservice/ragservice-operator/test/proc"
)

// OpenSearch returns the URL of a one-node OpenSearch without security: the one that RAGSERVICE_TEST_OPENSEARCH names
// (`make test` starts one for its whole run), else one that this process starts on first use, in about 20 s. Tests share it: each
// keeps to index names of its own, and need not clean up.
func OpenSearch(tb testing.TB) string {
	tb.Helper()
	if url := os.Getenv("RAGSERVICE_TEST_OPENSEARCH"); url != "" {
		return url
	}
	url, err := ownOpenSearch()
	if err != nil {
		tb.Fatal(err)
	}
	return url
}

var ownOpenSearch = sync.OnceValues(func() (string, error) {
	script, err := proc.RepositoryFile("hack", "deps", "opensearch.sh")
	if err != nil {
		return "", err
	}
	dir, err := proc.Scratch()
	if err != nil {
		return "", err
	}
	port, err := proc.FreePort()
	if err != nil {
		return "", err
	}
	// The script becomes the node by exec, as another user where we are root: its folder must let that user through.
	if err := os.Chmod(dir.Join(), 0o711); err != nil {
		return "", err
	}
	p, err := proc.Start(dir.Join("opensearch.log"), script, "run", dir.Join("opensearch"), strconv.Itoa(port))
	if err != nil {
		return "", fmt.Errorf("starting OpenSearch: %w", err)
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	out, err := exec.CommandContext(context.Background(), script, "wait", url, strconv.Itoa(p.PID())).CombinedOutput()
	if err != nil {
		p.End(syscall.SIGKILL, 0)
		return "", fmt.Errorf("%s%s", out, p.LogTail())
	}
	return url, nil
})
