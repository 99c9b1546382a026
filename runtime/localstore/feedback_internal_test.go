package localstore

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

var someFeedback = rag.Feedback{TraceID: strings.Repeat("a", 32), Score: -0.5, Comment: "no", By: "key:ann", At: time.UnixMilli(1000)}

// judgedFolder is a folder with a document and feedback.
func judgedFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	s := openStore(t, Options{Dir: dir})
	mustWrite(t, s, versioned(t, "x", 3))
	if err := s.PutFeedback(t.Context(), "t", someFeedback); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

func wantFeedback(t *testing.T, s *Store, want ...rag.Feedback) {
	t.Helper()
	got, err := s.ListFeedback(t.Context(), "t", nil, 10)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, feedback (-want +got):\n%s", err, diff)
	}
}

func TestFeedbackIsThereAfterARestart(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{Dir: judgedFolder(t)})
	wantFeedback(t, s, someFeedback)
	wantOnly(t, s, "x", 3)
}

// Damaged feedback is moved away as it is, and told of with what to do; the server starts, with all documents, and takes new feedback.
func TestDamagedFeedbackIsMovedAway(t *testing.T) {
	t.Parallel()
	whole := judgedFolder(t)
	for _, name := range checkedFiles(t, whole, feedbackName) {
		for _, how := range []string{"cut to nothing", "zeroed", "deleted"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				t.Parallel()
				dir := copyOf(t, whole)
				harms[how](t, filepath.Join(dir, name))
				damaged := contents(t, filepath.Join(dir, feedbackName))
				var told error
				s := openStore(t, Options{Dir: dir, OnDamage: func(why error) { told = why }, Now: func() time.Time { return time.UnixMilli(1) }})
				aside := filepath.Join(dir, feedbackName+".damaged-19700101T000000.001")
				if told == nil || !strings.Contains(told.Error(), filepath.Join(dir, name)) || !strings.Contains(told.Error(), aside) {
					t.Errorf("told of %v, want the file and where it went", told)
				}
				for file, content := range contents(t, aside) {
					before := strings.Replace(file, aside, filepath.Join(dir, feedbackName), 1)
					if damaged[before] != content {
						t.Errorf("%s was changed", file)
					}
					delete(damaged, before)
				}
				if len(damaged) > 0 {
					t.Errorf("%d files are gone", len(damaged))
				}
				wantOnly(t, s, "x", 3)
				wantFeedback(t, s)
				if err := s.PutFeedback(t.Context(), "t", someFeedback); err != nil {
					t.Fatal(err)
				}
				wantFeedback(t, s, someFeedback)
			})
		}
	}
}

// Feedback of which a file is damaged while the server runs fails as a store that is down does, and documents are still read.
func TestFeedbackThatIsDamagedWhileItRuns(t *testing.T) {
	t.Parallel()
	dir := judgedFolder(t)
	s := openStore(t, Options{Dir: dir})
	files, err := filepath.Glob(filepath.Join(dir, feedbackName, "store", "*.zap"))
	if err != nil || len(files) == 0 {
		t.Fatalf("segments are %v, %v", files, err)
	}
	for _, file := range files {
		if err := os.Truncate(file, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.ListFeedback(t.Context(), "t", nil, 10); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("a list gave %v, want search_unavailable", err)
	}
	if err := s.PutFeedback(t.Context(), "t", someFeedback); rag.KindOf(err) != rag.ErrSearchUnavailable {
		t.Errorf("a judgement gave %v, want search_unavailable", err)
	}
	wantOnly(t, s, "x", 3)
}

// A server that was killed while it made the index of feedback starts anew, and calls nothing damaged.
func TestKilledWhileFeedbackWasMade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, feedbackName+buildingSuffix, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := openStore(t, Options{Dir: dir, OnDamage: func(why error) { t.Errorf("told of %v", why) }})
	wantFeedback(t, s)
}

// More than is removed at once is removed all the same.
func TestMuchFeedbackIsForgotten(t *testing.T) {
	t.Parallel()
	s := openStore(t, Options{})
	batch := s.feedback.NewBatch()
	for n := range 2*forgetAtOnce + 10 {
		place := rag.FeedbackPlace{At: int64(n), TraceID: someFeedback.TraceID, By: "key:ann"}
		err := put(batch, recordKey("t", feedbackOrder(place)), feedbackSource{TraceID: place.TraceID, At: place.At}, map[string]any{
			fieldTenant: "t", fieldAt: place.At, fieldOrder: feedbackOrder(place),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.apply(s.feedback, batch); err != nil {
		t.Fatal(err)
	}
	if err := s.ForgetFeedback(t.Context(), time.UnixMilli(5), 7); err != nil {
		t.Fatal(err)
	}
	left, err := s.ListFeedback(t.Context(), "t", nil, 3*forgetAtOnce)
	if err != nil || len(left) != 7 || left[6].At.UnixMilli() != 2*forgetAtOnce+3 {
		t.Errorf("%d are left, %v, want the 7 newest: %v", len(left), err, left)
	}
}
