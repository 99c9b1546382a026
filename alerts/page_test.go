package alerts_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/alerts"
	"github.com/ragservice/ragservice-operator/api/v1alpha1"
)

var update = flag.Bool("update", false, "write the generated part of docs/alerts.md anew")

const (
	page         = "../docs/alerts.md"
	begin, final = "<!-- generated: go test ./alerts -update -->\n", "<!-- end of what is generated -->\n"
)

// asking is a service with a model, all of whose alerts have their defaults.
func asking() *v1alpha1.RAGService {
	rag := &v1alpha1.RAGService{}
	rag.Namespace, rag.Name = "shop", "papers"
	rag.Spec.Models.LLM.Provider = v1alpha1.LLMProviderOpenAI
	return rag
}

// TestPageSaysWhatIsJudged: the tables of docs/alerts.md are those of the definitions.
func TestPageSaysWhatIsJudged(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, final)
	if !found || !closed {
		t.Fatalf("%s has no part that is generated", page)
	}
	want := before + begin + alerts.Page(asking()) + final + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("run with -update if this is meant (-want +got):\n%s", diff)
	}
}

// TestRunbooks: each alert has a page, which names it.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	rag := asking()
	rag.Spec.Budgets.DailyTokens = new(int64(1))
	for _, group := range alerts.Rules(rag).Groups {
		for _, rule := range group.Rules {
			if rule.Alert == "" {
				continue
			}
			_, file, _ := strings.Cut(rule.Annotations["runbook_url"], "/docs/")
			text, err := os.ReadFile("../docs/" + file)
			if err != nil {
				t.Errorf("%s: %v", rule.Alert, err)
			}
			for _, part := range []string{rule.Alert, "## What it means", "## Impact", "## First look", "## Causes", "## What clears it"} {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s has nothing of %q", file, part)
				}
			}
			seen["docs/"+file] = true
		}
	}
	pages, err := os.ReadDir("../docs/runbooks")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if !seen["docs/runbooks/"+p.Name()] {
			t.Errorf("docs/runbooks/%s is of no alert", p.Name())
		}
	}
}
