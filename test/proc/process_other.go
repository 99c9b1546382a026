//go:build !linux

package proc

import "syscall"

// endsWithParent has no equivalent here: a test process that is killed leaves its backends behind.
func endsWithParent() *syscall.SysProcAttr { return nil }

func lockThread() {}

func ownGroup() *syscall.SysProcAttr { return nil }
