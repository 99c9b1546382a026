package backends

import (
	"os"
	"os/exec"
	"sync"
)

// scratch is a folder for backends that outlive a single test. There is no hook at the end of a test process that also
// runs after a panic or a kill, so a shell waits for the end of a pipe that only this process holds, and removes it.
var scratch = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "ragservice-test-")
	if err != nil {
		return "", err
	}
	// The second allows programs that the kernel has just killed to let go of their files.
	watcher := exec.Command("sh", "-c", `cat >/dev/null; sleep 1; rm -rf "$0"`, dir)
	watcher.SysProcAttr = ownGroup() // Ctrl-C must not end the watcher first
	if _, err := watcher.StdinPipe(); err != nil {
		return "", err
	}
	return dir, watcher.Start()
})
