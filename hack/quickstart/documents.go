package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// documents are an NDJSON body and what it holds, in words. Without a file it is the pages of docs/. (The README shows what
// this program prints, the question included: it would be the best match to it.)
func documents(file string) (body []byte, what string, err error) {
	if file != "" {
		body, err = os.ReadFile(file)
		return body, filepath.Base(file), err
	}
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		return nil, "", err
	}
	var out bytes.Buffer
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, "", fmt.Errorf("%w (run it in the project's folder)", err)
		}
		line, err := json.Marshal(map[string]string{"id": file, "title": title(string(text)), "url": file, "text": string(text)})
		if err != nil {
			return nil, "", err
		}
		out.Write(line)
		out.WriteByte('\n')
	}
	return out.Bytes(), fmt.Sprintf("%d pages of documentation", len(files)), nil
}

// title is the first heading.
func title(markdown string) string {
	for line := range strings.Lines(markdown) {
		if heading, ok := strings.CutPrefix(line, "# "); ok {
			return strings.TrimSpace(heading)
		}
	}
	return ""
}
