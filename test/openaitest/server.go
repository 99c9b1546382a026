// Package openaitest is a model server for tests: it speaks the OpenAI API (chat completions, streamed or not, embeddings,
// models), answers the same for the same request, remembers what it was asked, and fails on command in the ways that
// real model servers and the networks before them fail.
//
//	models := openaitest.New(t)
//	models.Script(openaitest.Chat,
//		openaitest.Behaviour{Status: 429, RetryAfter: "1"},                // the first request
//		openaitest.Behaviour{Fault: openaitest.Hang, AfterPieces: 3})      // the second; from then on all is well
//	client := newClient(models.BaseURL())
package openaitest

import (
	"cmp"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Endpoint is a part of the API that behaves by a script of its own.
type Endpoint string

// The endpoints.
const (
	Chat       Endpoint = "POST /v1/chat/completions"
	Embeddings Endpoint = "POST /v1/embeddings"
	Models     Endpoint = "GET /v1/models"
)

const maxBody = 16 << 20

// Request is what a client sent.
type Request struct {
	Endpoint      Endpoint
	Authorization string // the header as it came: "Bearer sk-..."
	Header        http.Header
	Body          []byte
	// Chat is the body as read, of a Chat request that was well-formed.
	Chat ChatRequest
	// Abandoned says that the client went away before its answer was complete.
	Abandoned bool
}

// Server is a scripted model server. Its methods may be called at any time, from any goroutine.
type Server struct {
	http    *httptest.Server
	closing chan struct{} // lets go of requests that hang

	mu        sync.Mutex
	scripts   map[Endpoint][]Behaviour
	otherwise map[Endpoint]Behaviour
	requests  []*Request
	answer    func(ChatRequest) string
	key       string
	models    []string
}

// New starts a server on a loopback port, without failures and open to any key, until the test ends. It serves the model
// "test-model" and accepts every other name as well.
func New(tb testing.TB) *Server {
	tb.Helper()
	return start(tb, httptest.NewServer)
}

// NewTLS is New behind TLS, with a certificate of an authority that nobody knows. It is in certificate, in PEM.
func NewTLS(tb testing.TB) (server *Server, certificate string) {
	tb.Helper()
	server = start(tb, httptest.NewTLSServer)
	return server, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.http.Certificate().Raw}))
}

func start(tb testing.TB, listen func(http.Handler) *httptest.Server) *Server {
	tb.Helper()
	s := &Server{
		closing:   make(chan struct{}),
		scripts:   map[Endpoint][]Behaviour{},
		otherwise: map[Endpoint]Behaviour{},
		answer:    echo,
		models:    []string{"test-model"},
	}
	mux := http.NewServeMux()
	for endpoint, handle := range map[Endpoint]handler{Chat: s.chat, Embeddings: s.embed, Models: s.list} {
		mux.HandleFunc(string(endpoint), s.recorded(endpoint, handle))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fail(w, http.StatusNotFound, "Invalid URL ("+r.Method+" "+r.URL.Path+")")
	})
	s.http = listen(mux)
	tb.Cleanup(func() {
		close(s.closing)
		s.http.Close()
	})
	return s
}

// BaseURL is what clients are configured with: it ends in /v1.
func (s *Server) BaseURL() string { return s.http.URL + "/v1" }

// Script says how the next requests to an endpoint go, one behaviour each; it adds to what was scripted before. Requests
// beyond the script go as Always says, else well.
func (s *Server) Script(endpoint Endpoint, next ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts[endpoint] = append(s.scripts[endpoint], next...)
}

// Always says how requests to an endpoint go that no script covers. The zero Behaviour ends that.
func (s *Server) Always(endpoint Endpoint, b Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.otherwise[endpoint] = b
}

// Answer replaces the text of chat answers, which is else made of the last message. It is a function of the request
// alone, so that equal requests have equal answers.
func (s *Server) Answer(with func(ChatRequest) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = with
}

// RequireKey refuses requests without `Authorization: Bearer key` from now on.
func (s *Server) RequireKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = key
}

// Serve replaces the names that /v1/models lists.
func (s *Server) Serve(models ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.models = models
}

// Requests returns what an endpoint was asked so far, oldest first, refused requests included.
func (s *Server) Requests(endpoint Endpoint) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []Request
	for _, request := range s.requests {
		if request.Endpoint == endpoint {
			found = append(found, *request)
		}
	}
	return found
}

// Count is the number of requests to an endpoint so far.
func (s *Server) Count(endpoint Endpoint) int { return len(s.Requests(endpoint)) }

// handler answers a request whose behaviour is known. It reports whether the client stayed to the end.
type handler func(w http.ResponseWriter, r *http.Request, request *Request, b Behaviour) (complete bool)

func (s *Server) recorded(endpoint Endpoint, handle handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			fail(w, http.StatusBadRequest, err.Error())
			return
		}
		request := &Request{
			Endpoint: endpoint, Authorization: r.Header.Get("Authorization"), Header: r.Header.Clone(), Body: body,
		}
		b, key := s.record(request)
		if key != "" && request.Authorization != "Bearer "+key {
			fail(w, http.StatusUnauthorized, "Incorrect API key provided")
			return
		}
		if !handle(w, r, request, b) {
			s.mu.Lock()
			defer s.mu.Unlock()
			request.Abandoned = true
		}
	}
}

// record takes the next behaviour off the script.
func (s *Server) record(request *Request) (Behaviour, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	script := s.scripts[request.Endpoint]
	if len(script) == 0 {
		return s.otherwise[request.Endpoint], s.key
	}
	s.scripts[request.Endpoint] = script[1:]
	return script[0], s.key
}

func (s *Server) list(w http.ResponseWriter, r *http.Request, _ *Request, b Behaviour) bool {
	type model struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Created int64  `json:"created"`
		OwnedBy string `json:"owned_by"`
	}
	s.mu.Lock()
	names := slices.Clone(s.models)
	s.mu.Unlock()
	models := make([]model, 0, len(names))
	for _, name := range names {
		models = append(models, model{ID: name, Object: "model", Created: created, OwnedBy: "test"})
	}
	return s.deliver(w, r, b, jsonAnswer(map[string]any{"object": "list", "data": models}))
}

// created stands in every answer: equal requests have equal answers, to the byte.
const created = 1700000000

// fail writes an error as the OpenAI API words it.
func fail(w http.ResponseWriter, status int, message string) {
	failWith(w, status, Error{Message: message})
}

func failWith(w http.ResponseWriter, status int, e Error) {
	kind := "invalid_request_error"
	if status >= http.StatusInternalServerError {
		kind = "server_error"
	} else if status == http.StatusTooManyRequests {
		kind = "rate_limit_error"
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(encodeJSON(e.body(kind))) // the client may have gone
}

// body is the error's envelope; param and code are null where they are not set.
func (e Error) body(kind string) map[string]any {
	orNull := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	return map[string]any{"error": map[string]any{
		"message": cmp.Or(e.Message, "this failure is scripted"),
		"type":    cmp.Or(e.Type, kind),
		"param":   orNull(e.Param),
		"code":    orNull(e.Code),
	}}
}
