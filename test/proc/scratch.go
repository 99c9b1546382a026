package proc

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// Folder is removed when this process ends, however it ends.
type Folder struct {
	path string
	// held is the writing end of a pipe that nobody writes to; the kernel closes it with the process. It is kept here because the
	// garbage collector closes a file that nothing refers to.
	held io.Closer
}

// Join is a path in the folder; without names the folder's own.
func (f Folder) Join(names ...string) string {
	return filepath.Join(append([]string{f.path}, names...)...)
}

// Scratch is the folder of backends that outlive a single test. Go has no hook at the end of a test process that also runs
// after a panic or a kill, so a shell waits for the end of the pipe, and removes the folder.
var Scratch = sync.OnceValues(func() (Folder, error) {
	path, err := os.MkdirTemp("", "ragservice-test-")
	if err != nil {
		return Folder{}, err
	}
	// The second allows programs that the kernel has just killed to let go of their files.
	watcher := exec.CommandContext(context.Background(), "sh", "-c", `cat >/dev/null; sleep 1; rm -rf "$0"`, path)
	watcher.SysProcAttr = ownGroup() // Ctrl-C must not end the watcher first
	held, err := watcher.StdinPipe()
	if err != nil {
		return Folder{}, err
	}
	return Folder{path: path, held: held}, watcher.Start()
})
