package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

// ownerFileName is the file of a data folder that says which service's data it holds.
const ownerFileName = "service.json"

// owner is the service that a data folder belongs to: the content of ownerFileName.
type owner struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (o owner) String() string { return o.Namespace + "/" + o.Name }

// openDataDir makes the data folder of a service and claims it, or checks that it is the service's. dir is --data-dir;
// empty means defaultDataDir.
func openDataDir(dir string, service config.Service, getenv func(string) string) (string, error) {
	want := owner{Namespace: service.Namespace, Name: service.Name}
	usual, err := defaultDataDir(want, getenv)
	if dir == "" {
		if err != nil {
			return "", err
		}
		dir = usual
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if err := refuseWritableByAll(dir); err != nil {
		return "", err
	}
	return dir, claim(dir, want, usual)
}

// defaultDataDir is $XDG_DATA_HOME/ragservice/<namespace>/<name>, with ~/.local/share where that is not set. A cache folder
// would not do: those are emptied without asking, and this holds the only copy of the documents.
func defaultDataDir(o owner, getenv func(string) string) (string, error) {
	base := getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(base) { // the XDG specification ignores relative paths
		home := getenv("HOME")
		if home == "" {
			return "", errors.New("no folder for data: neither XDG_DATA_HOME nor HOME is set; give one with --data-dir")
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "ragservice", o.Namespace, o.Name), nil
}

// refuseWritableByAll refuses a folder in which anybody may replace files, the keys among them. Reading is no matter: what
// the folder holds is closed to others itself.
func refuseWritableByAll(dir string) error {
	const byAll = 0o002
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("look at the data folder: %w", err)
	}
	if !info.IsDir() {
		return fmt.Errorf("the data folder %s is not a folder", dir)
	}
	if info.Mode().Perm()&byAll != 0 && info.Mode()&fs.ModeSticky == 0 {
		return fmt.Errorf("the data folder %s can be changed by anybody (mode %o): chmod 700 %s", dir, info.Mode().Perm(), dir)
	}
	return nil
}

// claim writes the owner into a folder that has none, and refuses one that belongs to another service.
func claim(dir string, want owner, usual string) error {
	file := filepath.Join(dir, ownerFileName)
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		encoded, err := json.Marshal(want)
		if err != nil {
			return err
		}
		return writeFile(file, append(encoded, '\n'))
	}
	if err != nil {
		return fmt.Errorf("whose the data folder is: %w", err)
	}
	var has owner
	if err := json.Unmarshal(raw, &has); err != nil {
		return fmt.Errorf("%s does not say whose the data folder is: if it holds the data of RAGService %s, remove this file", file, want)
	}
	if has != want {
		return fmt.Errorf("the data folder %s belongs to RAGService %s, and the manifest is of %s: give another folder with --data-dir, "+
			"or leave it out to use %s", dir, has, want, usual)
	}
	return nil
}

// writeFile puts a file in place whole or not at all, readable by its owner alone, and durable when it returns.
func writeFile(file string, content []byte) (err error) {
	dir := filepath.Dir(file)
	temporary, err := os.CreateTemp(dir, filepath.Base(file)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary.Name())
		}
	}()
	_, err = temporary.Write(content)
	if err == nil {
		err = temporary.Sync()
	}
	err = errors.Join(err, temporary.Close())
	if err != nil {
		return err
	}
	err = os.Rename(temporary.Name(), file)
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in the folder durable.
func syncDir(dir string) error {
	opened, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}
