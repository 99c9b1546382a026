package terms_test

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// The texts are 64 KiB each: figures are of MB/s and of allocations.
func BenchmarkIndex(b *testing.B) {
	a := terms.New([]string{"en"})
	for name, unit := range map[string]string{
		"english": "The passages of a document are found by the words that carry meaning, whatever their endings. ",
		"chinese": "员工每年有三十天带薪休假，申请应当提前一周提交。",
		"german":  "Die Passagen eines Dokuments findet man über die Wörter, die etwas bedeuten. ",
		"base64":  "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg",
		"letter":  "a",
	} {
		text := strings.Repeat(unit, 64<<10/len(unit))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				a.Index(text, "")
			}
		})
	}
}
