package httpapi_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bad is a request that must be refused before anything is done or taken.
type bad struct {
	name         string
	method, path string
	body         string
	headers      []string
	status       int
	code         string
	fields       []string
}

const (
	search    = "/api/v1/search"
	ask       = "/api/v1/ask"
	documents = "/api/v1/documents"
	ndjson    = "Content-Type: application/x-ndjson"
)

func badRequests() []bad {
	return slices.Concat(brokenJSON(), badFields(), badSearches(), badQuestions(), badAddresses(), badMediaTypes(), badDocuments())
}

func badPost(name, path, body string, status int, code string, fields ...string) bad {
	return bad{name: name, method: "POST", path: path, body: body, status: status, code: code, fields: fields}
}

func brokenJSON() []bad {
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	return []bad{
		badPost("not JSON", search, `query=x`, 400, "malformed_json"),
		badPost("cut JSON", search, `{"query":"x"`, 400, "malformed_json"),
		badPost("trailing data", search, `{"query":"x"} {}`, 400, "malformed_json"),
		badPost("trailing garbage", search, `{"query":"x"}x`, 400, "malformed_json"),
		badPost("two byte order marks", search, "\xef\xbb\xbf\xef\xbb\xbf{\"query\":\"x\"}", 400, "malformed_json"),
		badPost("invalid UTF-8", search, "{\"query\":\"\xff\"}", 400, "malformed_json"),
		badPost("invalid UTF-8 in a name", search, "{\"query\":\"x\",\"\xc3\x28\":1}", 400, "malformed_json"),
		badPost("UTF-16", search, "\xff\xfe{\x00}\x00", 400, "malformed_json"),
		badPost("half a surrogate pair", search, `{"query":"\ud83d"}`, 400, "malformed_json"),
		badPost("second half alone", search, `{"query":"\uDE00 "}`, 400, "malformed_json"),
		badPost("halves apart", search, `{"query":"\ud83d\\ude00"}`, 400, "malformed_json"),
		badPost("raw control character", search, "{\"query\":\"a\x00b\"}", 400, "malformed_json"),
		badPost("NaN", search, `{"query":"x","min_score":NaN}`, 400, "malformed_json"),
		badPost("nesting bomb", search, `{"query":"x","filter":`+deep+`}`, 400, "malformed_json"),
	}
}

// badFields are JSON of another shape than the schema wants.
func badFields() []bad {
	return []bad{
		badPost("array", search, `[]`, 422, "validation_failed", "body"),
		badPost("null", search, `null`, 422, "validation_failed", "body"),
		badPost("string", search, `"query"`, 422, "validation_failed", "body"),
		badPost("no query", search, `{}`, 422, "validation_failed", "query"),
		badPost("null query", search, `{"query":null}`, 422, "validation_failed", "query"),
		badPost("query is a number", search, `{"query":1}`, 422, "validation_failed", "query"),
		badPost("wrong types all told", search, `{"query":{},"top_k":"5","offset":true,"use_hybrid":"yes","mode":1,"filter":[],"min_score":"0"}`, 422,
			"validation_failed", "query", "top_k", "offset", "use_hybrid", "mode", "filter", "min_score"),
		badPost("unknown field", search, `{"query":"x","topk":5,"aaa":1}`, 422, "validation_failed", "topk", "aaa"),
		badPost("name in the wrong case", search, `{"Query":"x"}`, 422, "validation_failed", "Query", "query"),
		badPost("field given twice", search, `{"query":"x","query":"y"}`, 422, "validation_failed", "query"),
		badPost("field given twice in the filter", search, `{"query":"x","filter":{"a":"1","a":"2"}}`, 422, "validation_failed", "filter.a"),
		badPost("filter of numbers", search, `{"query":"x","filter":{"a":1,"b":["x",2],"c":{}}}`, 422, "validation_failed", "filter.a", "filter.b",
			"filter.c"),
		badPost("null in a filter's array", search, `{"query":"x","filter":{"a":[null]}}`, 422, "validation_failed", "filter.a"),
		badPost("faults in the order of the request", search, `{"mode":"magic","offset":-1,"filter":{"z":[],"a":[]},"query":"x","top_k":0}`, 422,
			"validation_failed", "mode", "offset", "filter.z", "filter.a", "top_k"),
		badPost("integer with a fraction", search, `{"query":"x","top_k":5.01,"offset":1e-1}`, 422, "validation_failed", "top_k", "offset"),
		badPost("integer with too large an exponent", search, `{"query":"x","top_k":1e999999999999999999999}`, 422, "validation_failed", "top_k"),
		badPost("empty filter value", search, `{"query":"x","filter":{"a":[]}}`, 422, "validation_failed", "filter.a"),
		badPost("top_k with a fraction", search, `{"query":"x","top_k":1.5}`, 422, "validation_failed", "top_k"),
		badPost("huge integer", search, `{"query":"x","top_k":99999999999999999999}`, 422, "validation_failed", "top_k"),
		badPost("huge number", search, `{"query":"x","min_score":1e999}`, 422, "validation_failed", "min_score"),
	}
}

// badSearches have the right shape, and values that a search cannot have.
func badSearches() []bad {
	return []bad{
		badPost("top_k 0", search, `{"query":"x","top_k":0}`, 422, "validation_failed", "top_k"),
		badPost("top_k over the service's", search, `{"query":"x","top_k":51}`, 422, "validation_failed", "top_k"),
		badPost("offset negative", search, `{"query":"x","offset":-1}`, 422, "validation_failed", "offset"),
		badPost("beyond the window", search, `{"query":"x","offset":196,"top_k":5}`, 422, "validation_failed", "offset"),
		badPost("mode and use_hybrid", search, `{"query":"x","mode":"keyword","use_hybrid":false}`, 422, "validation_failed", "mode"),
		badPost("unknown mode", search, `{"query":"x","mode":"magic"}`, 422, "validation_failed", "mode"),
		badPost("semantic without a model", search, `{"query":"x","mode":"semantic"}`, 422, "validation_failed", "mode"),
		badPost("min_score with hybrid", search, `{"query":"x","use_hybrid":true,"min_score":1}`, 422, "validation_failed", "min_score"),
		badPost("empty query", search, `{"query":""}`, 400, "invalid_query"),
		badPost("blank query", search, `{"query":" \n\t\u3000"}`, 400, "invalid_query"),
		badPost("query of zero-width characters", search, `{"query":"\u200b\ufeff"}`, 400, "invalid_query"),
		badPost("query too long", search, `{"query":"`+strings.Repeat("é", 1001)+`"}`, 400, "invalid_query"),
		badPost("NUL in the query", search, `{"query":"a\u0000b"}`, 400, "invalid_query"),
		badPost("control character in the query", search, `{"query":"a\u001bb"}`, 400, "invalid_query"),
		badPost("body too large", search, `{"query":"`+strings.Repeat("x", 1<<20)+`"}`, 413, "body_too_large"),
	}
}

func badQuestions() []bad {
	return []bad{
		badPost("ask: offset is not its field", ask, `{"query":"x","offset":1}`, 422, "validation_failed", "offset"),
		badPost("ask: temperature", ask, `{"query":"x","temperature":2.1}`, 422, "validation_failed", "temperature"),
		badPost("ask: temperature is text", ask, `{"query":"x","temperature":"hot"}`, 422, "validation_failed", "temperature"),
		badPost("ask: max_tokens", ask, `{"query":"x","max_tokens":0}`, 422, "validation_failed", "max_tokens"),
		badPost("ask: all faults at once", ask, `{"query":"x","temperature":9,"top_k":0,"model":"gpt-9","max_tokens":0,"mode":"magic"}`, 422,
			"validation_failed", "temperature", "top_k", "model", "max_tokens", "mode"),
		badPost("ask: model", ask, `{"query":"x","model":"gpt-9"}`, 422, "validation_failed", "model"),
		badPost("stream: not JSON", "/api/v1/stream", `{`, 400, "malformed_json"),
		badPost("stream: empty query", "/api/v1/stream", `{"query":""}`, 400, "invalid_query"),
	}
}

// badAddresses have no route, or a query string that their route cannot read.
func badAddresses() []bad {
	return []bad{
		badPost("unknown parameter", search+"?topk=1", `{"query":"x"}`, 422, "validation_failed", "topk"),
		badPost("broken query string", search+"?a=%zz", `{"query":"x"}`, 422, "validation_failed", "?"),
		badPost("unknown path", "/api/v1/serach", `{}`, 404, "not_found"),
		badPost("trailing slash", search+"/", `{"query":"x"}`, 404, "not_found"),
		badPost("double slash", "//api/v1/search", `{"query":"x"}`, 404, "not_found"),
		badPost("dots", "/api/v1/x/../search", `{"query":"x"}`, 404, "not_found"),
		badPost("escaped slash", "/api%2Fv1/search", `{"query":"x"}`, 404, "not_found"),
		{name: "unknown scope", method: "GET", path: "/api/v1/stats?scope=all", status: 422, code: "validation_failed", fields: []string{"scope"}},
		{name: "empty scope", method: "GET", path: "/api/v1/stats?scope=", status: 422, code: "validation_failed", fields: []string{"scope"}},
		{name: "root", method: "GET", path: "/", status: 404, code: "not_found"},
		{name: "document id with a slash", method: "GET", path: documents + "/a/b", status: 404, code: "not_found"},
		{name: "wrong method", method: "GET", path: search, status: 405, code: "method_not_allowed"},
		{name: "wrong method with a body", method: "PUT", path: documents + "/a", body: "{}", status: 405, code: "method_not_allowed"},
		{name: "unheard-of method", method: "BREW", path: search, status: 405, code: "method_not_allowed"},
	}
}

func badMediaTypes() []bad {
	var table []bad
	for _, headers := range [][]string{
		{"Content-Type: "}, {"Content-Type: text/plain"}, {"Content-Type: application/x-www-form-urlencoded"},
		{"Content-Type: application/json; charset=latin1"}, {"Content-Type: ;"}, {ndjson}, {"Content-Encoding: gzip"},
	} {
		b := badPost("media type "+headers[0], search, `{"query":"x"}`, 415, "unsupported_media_type")
		b.headers = headers
		table = append(table, b)
	}
	return table
}

func badDocuments() []bad {
	doc := func(name, query, body string, status int, code string, headers []string, fields ...string) bad {
		return bad{"documents: " + name, "POST", documents + query, body, append(headers, asAdmin), status, code, fields}
	}
	return []bad{
		doc("empty", "", " \n", 400, "malformed_json", nil),
		doc("not JSON", "", "hello", 400, "malformed_json", nil),
		doc("a number", "", "7", 422, "validation_failed", nil, "body"),
		doc("broken at once", "", `[{"id"`, 400, "malformed_json", nil),
		doc("broken object", "", `{"id":"a","text":}`, 400, "malformed_json", nil),
		doc("single without text", "", `{"id":"a"}`, 422, "validation_failed", nil, "text"),
		doc("single of wrong types", "", `{"id":1,"text":[],"title":{},"url":true,"metadata":"x","language":1,"more":1}`, 422, "validation_failed", nil,
			"id", "text", "title", "url", "metadata", "language", "more"),
		doc("single with a bad id", "", `{"id":"a//b","text":"x"}`, 422, "validation_failed", nil, "id"),
		doc("single with nested metadata", "", `{"id":"a","text":"x","metadata":{"k":{"l":1}}}`, 422, "validation_failed", nil, "metadata.k"),
		doc("single with a huge number", "", `{"id":"a","text":"x","metadata":{"k":1e999}}`, 422, "validation_failed", nil, "metadata.k"),
		doc("single not UTF-8", "", "{\"id\":\"a\",\"text\":\"\xff\"}", 400, "malformed_json", nil),
		doc("single with half a surrogate pair", "", `{"id":"a","text":"\udc00"}`, 400, "malformed_json", nil),
		doc("something after the one", "", `{"id":"a","text":"x"} {}`, 400, "malformed_json", nil),
		doc("flag", "?refresh=no", `{"id":"a","text":"x"}`, 422, "validation_failed", nil, "refresh"),
		doc("flag twice", "?stream=true&stream=false", `{"id":"a","text":"x"}`, 422, "validation_failed", nil, "stream"),
		doc("media type", "", `{}`, 415, "unsupported_media_type", []string{"Content-Type: text/csv"}),
		{"document id that cannot be", "GET", documents + "/%ff", "", []string{asAdmin}, 422, "validation_failed", []string{"id"}},
		{"deletion of an id that cannot be", "DELETE", documents + "/a%2F%2Fb", "", []string{asAdmin}, 422, "validation_failed", []string{"id"}},
	}
}

// TestBadRequests: the right 4xx with the envelope, nothing asked of the service, nothing taken from a bucket.
func TestBadRequests(t *testing.T) {
	f := start(t, func(f *fixture) { *f.service = fakeService{} }) // a call would panic, and be a 500
	for _, tt := range badRequests() {
		t.Run(tt.name, func(t *testing.T) {
			got := f.call(tt.method, tt.path, tt.body, tt.headers...)
			code, fields := got.errorOf(t)
			if got.status != tt.status || code != tt.code {
				t.Fatalf("%d %s, want %d %s: %s", got.status, code, tt.status, tt.code, got.body)
			}
			if diff := cmp.Diff(tt.fields, fields); diff != "" {
				t.Errorf("fields: %s\n%s", diff, got.body)
			}
			if got.header.Get("Content-Type") != "application/json" || got.header.Get("X-Request-Id") == "" || got.header.Get("Traceparent") == "" {
				t.Errorf("headers %v", got.header)
			}
			for name := range got.header {
				if strings.Contains(strings.ToLower(name), "ratelimit") || name == "Retry-After" || name == "X-Cache" {
					t.Errorf("a request that was refused before the limits carries %s", name)
				}
			}
		})
	}
	f.service.search = goodService().search
	if got := f.call("POST", search, `{"query":"x"}`); got.header.Get("X-RateLimit-Remaining") != "59" {
		t.Errorf("after all these the bucket holds %s of 59", got.header.Get("X-RateLimit-Remaining"))
	}
}

func TestAllow(t *testing.T) {
	f := start(t)
	for path, want := range map[string]string{
		search: "POST", documents: "POST", documents + "/a%2Fb": "DELETE, GET, HEAD", "/api/v1/stats": "GET, HEAD",
		feedback: "GET, HEAD, POST",
	} {
		if got := f.call("PATCH", path, "{}"); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != want {
			t.Errorf("%s: %d, Allow %q, want %q", path, got.status, got.header.Get("Allow"), want)
		}
	}
}
