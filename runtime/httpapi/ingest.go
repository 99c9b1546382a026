package httpapi

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/ragservice/ragservice-operator/runtime/logging"
	"github.com/ragservice/ragservice-operator/runtime/middleware"
	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// ingest takes one document, an array or NDJSON. A single document that is not valid is refused like any request; of
// many, each is judged by itself.
func (a *API) ingest(w http.ResponseWriter, r *http.Request, admit admission) error {
	u, err := newUpload(r)
	if err != nil {
		return err
	}
	refresh, err := flag(r, "refresh", true)
	if err != nil {
		return err
	}
	stream, err := flag(r, "stream", false)
	if err != nil {
		return err
	}
	if err := admit(r.Context(), rag.CacheInfo{}); err != nil {
		return err
	}
	u.body.connection = http.NewResponseController(w)
	u.body.until, _ = r.Context().Deadline()
	opt := rag.IngestOptions{Refresh: refresh}
	if stream {
		return a.ingestStream(w, r, u, opt)
	}
	return a.ingestWhole(w, r, u, opt)
}

// ingestWhole answers when all is done.
func (a *API) ingestWhole(w http.ResponseWriter, r *http.Request, u *upload, opt rag.IngestOptions) error {
	results := []ingestResult{}
	in := &ingestion{elements: u, most: maxResults, tell: func(result ingestResult) error {
		results = append(results, result)
		return nil
	}}
	report, err := a.runIngest(r, in, opt)
	whole := struct {
		ingestReport
		Results []ingestResult `json:"results"`
	}{report, results}
	if err == nil {
		return answer(w, whole)
	}
	p := note(r, err)
	e := p.body()
	whole.Error = &e
	p.write(w, whole)
	return nil
}

// ingestStream answers a line for each document as it is done, and a last one with the counts.
func (a *API) ingestStream(w http.ResponseWriter, r *http.Request, u *upload, opt rag.IngestOptions) error {
	connection := http.NewResponseController(w)
	if err := connection.EnableFullDuplex(); err != nil {
		return fmt.Errorf("answer while the request goes on: %w", err)
	}
	w.Header().Set("Content-Type", ndjsonType)
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	send := func(v any) error {
		line, err := encode(v)
		if err != nil {
			return err
		}
		extendWrite(w)
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("send a result: %w", err)
		}
		return connection.Flush()
	}
	if err := connection.Flush(); err != nil {
		return fmt.Errorf("send the headers: %w", err)
	}
	in := &ingestion{elements: u, tell: func(result ingestResult) error { return send(result) }}
	report, err := a.runIngest(r, in, opt)
	if err != nil {
		e := note(r, err).body()
		report.Error = &e
	}
	_ = send(report) // a client that has left is told by its absence
	return nil
}

// runIngest lets the service take the documents and counts what became of them.
func (a *API) runIngest(r *http.Request, in *ingestion, opt rag.IngestOptions) (ingestReport, error) {
	summary, err := a.Service.Ingest(r.Context(), middleware.Of(r).Identity, in.next, in.report, opt)
	err = errors.Join(err, in.finish())
	report := ingestReport{Created: summary.Created, Updated: summary.Updated, Unchanged: summary.Unchanged, Failed: summary.Failed + in.refused}
	for status, n := range map[rag.WriteStatus]int{
		rag.StatusCreated: report.Created, rag.StatusUpdated: report.Updated, rag.StatusUnchanged: report.Unchanged, rag.StatusFailed: report.Failed,
	} {
		a.Metrics.Documents(string(status), n)
	}
	a.Log.InfoContext(r.Context(), logging.DocumentsWritten,
		"created", report.Created, "updated", report.Updated, "unchanged", report.Unchanged, "failed", report.Failed)
	if err == nil && in.cause != nil { // the answer is 200 and tells of each document, but somebody should look
		a.Log.ErrorContext(r.Context(), logging.ErrorOccurred, "code", explainKind(in.cause).code, "error", in.cause, "documents_failed", report.Failed)
	}
	return report, err
}
