package main

import (
	"archive/tar"
	"encoding/pem"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// tarWriter writes entries without time or names of users.
type tarWriter struct {
	tar   *tar.Writer
	links map[uint64]string // inode to the first path with it
}

func newTarWriter(w io.Writer) *tarWriter {
	return &tarWriter{tar: tar.NewWriter(w), links: map[uint64]string{}}
}

func (t *tarWriter) put(header *tar.Header, body io.Reader) error {
	header.ModTime, header.AccessTime, header.ChangeTime = time.Unix(0, 0), time.Time{}, time.Time{}
	header.Uname, header.Gname, header.Format = "", "", tar.FormatPAX
	header.Name = strings.TrimPrefix(header.Name, "/")
	if header.Typeflag == tar.TypeDir {
		header.Name += "/"
	}
	if err := t.tar.WriteHeader(header); err != nil {
		return fmt.Errorf("%s: %w", header.Name, err)
	}
	if body == nil {
		return nil
	}
	if _, err := io.Copy(t.tar, body); err != nil {
		return fmt.Errorf("%s: %w", header.Name, err)
	}
	return nil
}

// owner overrides who owns a file; nil keeps it.
type owner struct{ uid, gid int }

// dirSource is a folder that becomes a layer at target.
type dirSource struct {
	folder, target string
	owner          *owner
}

func parseDir(s string) (dirSource, error) {
	folder, rest, ok := strings.Cut(s, "=")
	parts := strings.Split(rest, ":")
	if !ok || (len(parts) != 1 && len(parts) != 3) {
		return dirSource{}, fmt.Errorf("-dir %s: want FOLDER=/PATH[:UID:GID]", s)
	}
	own, err := parseOwner(parts[1:])
	return dirSource{folder: folder, target: parts[0], owner: own}, err
}

func parseOwner(parts []string) (*owner, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	uid, err := strconv.Atoi(parts[0])
	if err != nil {
		return nil, fmt.Errorf("owner: %w", err)
	}
	gid, err := strconv.Atoi(parts[1])
	if err != nil {
		return nil, fmt.Errorf("group: %w", err)
	}
	return &owner{uid: uid, gid: gid}, nil
}

// write walks the folder; WalkDir goes in lexical order, so the layer is the same each time.
func (d dirSource) write(t *tarWriter) error {
	return filepath.WalkDir(d.folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(d.folder, file)
		if err != nil {
			return err
		}
		target := path.Join(d.target, filepath.ToSlash(relative))
		if target == "/" {
			return nil
		}
		return d.add(t, file, target, entry)
	})
}

func (d dirSource) add(t *tarWriter, file, target string, entry fs.DirEntry) error {
	info, err := entry.Info()
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket != 0 {
		return nil
	}
	link := ""
	if info.Mode()&fs.ModeSymlink != 0 {
		if link, err = os.Readlink(file); err != nil {
			return err
		}
	}
	header, err := tar.FileInfoHeader(info, link)
	if err != nil {
		return err
	}
	header.Name = target
	if d.owner != nil {
		header.Uid, header.Gid = d.owner.uid, d.owner.gid
	}
	if !info.Mode().IsRegular() {
		return t.put(header, nil)
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
		if first, seen := t.links[stat.Ino]; seen {
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, strings.TrimPrefix(first, "/"), 0
			return t.put(header, nil)
		}
		t.links[stat.Ino] = target
	}
	body, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }() // it was only read
	return t.put(header, body)
}

// single is one file, or an empty folder where open is nil.
type single struct {
	target string
	mode   int64
	owner  owner
	size   int64
	open   func() (io.ReadCloser, error)
}

type singles []single

func parseSingles(s spec) (singles, error) {
	var all singles
	for _, f := range s.files {
		source, rest, _ := strings.Cut(f, "=")
		one, err := parseSingle(rest)
		if err != nil {
			return nil, fmt.Errorf("-file %s: %w", f, err)
		}
		info, err := os.Stat(source)
		if err != nil {
			return nil, err
		}
		one.size, one.open = info.Size(), func() (io.ReadCloser, error) { return os.Open(source) }
		all = append(all, one)
	}
	for _, dir := range s.mkdirs {
		one, err := parseSingle(dir)
		if err != nil {
			return nil, fmt.Errorf("-mkdir %s: %w", dir, err)
		}
		all = append(all, one)
	}
	if s.caBundle != "" {
		text := rootCertificates()
		all = append(all, single{target: s.caBundle, mode: 0o644, size: int64(len(text)),
			open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
	}
	sort.Slice(all, func(i, j int) bool { return all[i].target < all[j].target })
	return all, nil
}

func parseSingle(s string) (single, error) {
	parts := strings.Split(s, ":")
	if len(parts) != 2 && len(parts) != 4 {
		return single{}, fmt.Errorf("want /PATH:MODE[:UID:GID]")
	}
	mode, err := strconv.ParseInt(parts[1], 8, 32)
	if err != nil {
		return single{}, fmt.Errorf("mode: %w", err)
	}
	one := single{target: parts[0], mode: mode}
	own, err := parseOwner(parts[2:])
	if own != nil {
		one.owner = *own
	}
	return one, err
}

func (all singles) write(t *tarWriter) error {
	for _, one := range all {
		header := &tar.Header{Name: one.target, Mode: one.mode, Uid: one.owner.uid, Gid: one.owner.gid, Typeflag: tar.TypeDir}
		if one.open == nil {
			if err := t.put(header, nil); err != nil {
				return err
			}
			continue
		}
		body, err := one.open()
		if err != nil {
			return err
		}
		header.Typeflag, header.Size = tar.TypeReg, one.size
		if err := t.put(header, body); err != nil {
			return err
		}
		if err := body.Close(); err != nil {
			return err
		}
	}
	return nil
}

// rootCertificates is Mozilla's list in PEM, from a Go module: it is pinned, and the same on every machine. Roots that Mozilla trusts
// only in part are left out, since PEM cannot say so.
func rootCertificates() string {
	var text strings.Builder
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			text.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}))
		}
	}
	return text.String()
}
