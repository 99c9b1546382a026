//go:build unix

package localstore

import "syscall"

// diskRoom is how many bytes the file system of a folder has left for this user, and how many it has in all.
func diskRoom(dir string) (free, total uint64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	size := uint64(s.Bsize)                                      //nolint:gosec // of another type on each system
	return uint64(s.Bavail) * size, uint64(s.Blocks) * size, nil //nolint:unconvert // of another type on other systems
}
