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
	dir, err := openSearchDir()
	if err != nil {
		return "", err
	}
	port, err := proc.FreePort()
	if err != nil {
		return "", err
	}
	p, err := startOpenSearch(dir, "opensearch", port)
	if err != nil {
		return "", err
	}
	url := "http://127.0.0.1:" + strconv.Itoa(port)
	if err := awaitOpenSearch(url, p); err != nil {
		p.End(syscall.SIGKILL, 0)
		return "", err
	}
	return url, nil
})

// openSearchDir is a folder that the user of OpenSearch may pass: where we are root, the script runs it as another one.
func openSearchDir() (proc.Folder, error) {
	dir, err := proc.Scratch()
	if err != nil {
		return proc.Folder{}, err
	}
	return dir, os.Chmod(dir.Join(), 0o711)
}

const openSearchScript = "opensearch.sh"

// startOpenSearch starts a node, whose data stay under its name in dir. The script becomes the node by exec.
func startOpenSearch(dir proc.Folder, name string, port int, settings ...string) (*proc.Process, error) {
	script, err := proc.RepositoryFile("hack", "deps", openSearchScript)
	if err != nil {
		return nil, err
	}
	arguments := append([]string{"run", dir.Join(name), strconv.Itoa(port)}, settings...)
	p, err := proc.Start(dir.Join(name+".log"), script, arguments...)
	if err != nil {
		return nil, fmt.Errorf("starting OpenSearch: %w", err)
	}
	return p, nil
}

func awaitOpenSearch(url string, p *proc.Process) error {
	script, err := proc.RepositoryFile("hack", "deps", openSearchScript)
	if err != nil {
		return err
	}
	out, err := exec.CommandContext(context.Background(), script, "wait", url, strconv.Itoa(p.PID())).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s%s", out, p.LogTail())
	}
	return nil
}
