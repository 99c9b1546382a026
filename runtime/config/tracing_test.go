package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/config"
)

func TestParseTracingHeaders(t *testing.T) {
	for text, want := range map[string]map[string]string{
		"x-key=canary":                          {"x-key": "canary"},
		"Authorization=Basic%20YTpi,x-scope=a":  {"authorization": "Basic YTpi", "x-scope": "a"},
		"\ta = b \r\n\nc=d==\n":                 {"a": "b", "c": "d=="},
		"a=" + strings.Repeat("%2C", 3) + ",b=": {"a": ",,,", "b": ""},
	} {
		got, err := config.ParseTracingHeaders(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", text, err, diff)
		}
	}
	for _, bad := range []string{"", " \n", "canary", "ca nary=1", "a=canary%zz", "a=canary%0A", "=canary", "a=canäry", strings.Repeat("canary=1,", 1) + "x"} {
		if got, err := config.ParseTracingHeaders(bad); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v, %v, want an error that quotes nothing", bad, got, err)
		}
	}
}
