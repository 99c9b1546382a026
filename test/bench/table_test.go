package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"text/tabwriter"
)

// program is the ragserver that is measured.
func program(t *testing.T) string {
	t.Helper()
	path := os.Getenv("RAGSERVICE_BENCH")
	if path == "" {
		t.Skip("RAGSERVICE_BENCH names no ragserver: run `make bench`")
	}
	return path
}

// table is printed as it is filled: what it is of, then a head and rows of cells.
type table struct {
	of   string
	rows [][]string
}

func newTable(of string, head ...string) *table {
	t := &table{of: of}
	if len(head) > 0 {
		t.add(head...)
	}
	return t
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(tb testing.TB) {
	tb.Helper()
	fmt.Printf("\n%s\n", t.of)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range t.rows {
		_, _ = fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	if err := w.Flush(); err != nil {
		tb.Fatal(err)
	}
}

func whole(n float64) string     { return fmt.Sprintf("%.0f", n) }
func thousandths(n int64) string { return fmt.Sprintf("%.2f", float64(n)/1e3) }
func percent(n float64) string   { return fmt.Sprintf("%.0f%%", n) }
