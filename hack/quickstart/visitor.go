package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// visitor is a client of a service.
type visitor struct {
	url                 string
	adminKey, clientKey string
}

// loadResult is what the service says of documents.
type loadResult struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Unchanged int `json:"unchanged"`
	Failed    int `json:"failed"`
	Results   []struct {
		ID    string `json:"id"`
		Error *struct {
			Message string `json:"message"`
		} `json:"error"`
	} `json:"results"`
}

func (r loadResult) firstError() string {
	for _, d := range r.Results {
		if d.Error != nil {
			return d.ID + ": " + d.Error.Message
		}
	}
	return "unknown"
}

// answer is what the service says to a question.
type answer struct {
	Answer    string `json:"answer"`
	Citations []struct {
		Marker     int    `json:"marker"`
		DocumentID string `json:"document_id"`
		URL        string `json:"url"`
		Span       struct {
			Start int `json:"start"`
			End   int `json:"end"`
		} `json:"span"`
	} `json:"citations"`

	outcome string
	took    time.Duration
}

func (v *visitor) load(ctx context.Context, ndjson []byte) (loadResult, time.Duration, error) {
	var result loadResult
	_, took, err := v.post(ctx, request{"/api/v1/documents", "application/x-ndjson", v.adminKey, ndjson}, &result)
	return result, took, err
}

func (v *visitor) ask(ctx context.Context, question string) (answer, error) {
	body, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		return answer{}, err
	}
	var a answer
	header, took, err := v.post(ctx, request{"/api/v1/ask", "application/json", v.clientKey, body}, &a)
	a.outcome, a.took = header.Get("X-Cache"), took
	return a, err
}

// request is what is posted.
type request struct {
	path, contentType, key string
	body                   []byte
}

// post sends r and decodes the answer into out; another status than 200 is an error that holds the service's words.
func (v *visitor) post(ctx context.Context, r request, out any) (http.Header, time.Duration, error) {
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, v.url+r.path, bytes.NewReader(r.body))
	if err != nil {
		return nil, 0, err
	}
	post.Header.Set("Content-Type", r.contentType)
	if r.key != "" {
		post.Header.Set("Authorization", "Bearer "+r.key)
	}
	began := time.Now()
	response, err := http.DefaultClient.Do(post)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	took := time.Since(began)
	if err != nil {
		return nil, 0, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, 0, fmt.Errorf("the service answered %s: %.500s", response.Status, data)
	}
	return response.Header, took, json.Unmarshal(data, out)
}
