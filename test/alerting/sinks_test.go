package alerting

import (
	"encoding/json"
	"io"
	"mime"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/ragservice/ragservice-operator/internal/notify"
)

// Credentials, as Secrets hold them.
const (
	smtpPassword = "password-of-mail"
	slackPath    = "/services/T000/B000/token-of-slack"
	pagerKey     = "0123456789abcdef0123456789abcdef"
	smsPath      = "/sms?token=token-of-sms"
)

// delivered are the messages that receivers took, by receiver: the name of an alert and firing or resolved.
type delivered struct {
	mu  sync.Mutex
	all map[string][]string
}

func (d *delivered) add(receiver, alert, status string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[string][]string{}
	}
	d.all[receiver] = append(d.all[receiver], alert+" "+status)
}

// has says that a receiver took a message.
func (d *delivered) has(receiver, message string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Contains(d.all[receiver], message)
}

func (d *delivered) by(receiver string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.all[receiver])
}

// title is how Alertmanager's templates begin a message of a group.
var title = regexp.MustCompile(`\[(FIRING:\d+|RESOLVED)\] (RAGService\w+)`)

// addTitled takes a message by its title.
func (d *delivered) addTitled(t *testing.T, receiver, text string) {
	found := title.FindStringSubmatch(text)
	if found == nil {
		t.Errorf("%s: no title of an alert: %q", receiver, text)
		return
	}
	status := "firing"
	if found[1] == "RESOLVED" {
		status = "resolved"
	}
	d.add(receiver, found[2], status)
}

// mailbox is an SMTP server for one user.
type mailbox struct {
	t         *testing.T
	delivered *delivered
}

func startMailbox(t *testing.T, d *delivered) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := smtp.NewServer(mailbox{t, d})
	server.AllowInsecureAuth = true
	go func() { _ = server.Serve(listener) }() // until it is closed
	t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}

func (m mailbox) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{mailbox: m}, nil }

type session struct {
	mailbox
	known    bool
	from, to string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, username, password string) error {
		if s.known = username == "rag" && password == smtpPassword; !s.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error   { s.to = to; return nil }
func (s *session) Reset()                                      {}
func (s *session) Logout() error                               { return nil }

func (s *session) Data(r io.Reader) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	message, err := mail.ReadMessage(r)
	if err != nil {
		s.t.Errorf("mail: %v", err)
		return err
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(message.Header.Get("Subject"))
	if err != nil || s.from != "rag@example.com" || s.to != "oncall@example.com" {
		s.t.Errorf("mail from %s to %s: %v", s.from, s.to, err)
	}
	s.delivered.addTitled(s.t, "email", subject)
	return nil
}

// startHTTP listens for Slack's incoming webhooks, PagerDuty's events and the webhooks of the gateway for text messages.
func startHTTP(t *testing.T, d *delivered) *httptest.Server {
	t.Helper()
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+slackPath, func(w http.ResponseWriter, r *http.Request) {
		var message struct {
			Channel     string
			Attachments []struct{ Title string }
		}
		if err := json.NewDecoder(r.Body).Decode(&message); err != nil || message.Channel != "#search" || len(message.Attachments) != 1 {
			t.Errorf("Slack: %v %+v", err, message)
			return
		}
		d.addTitled(t, "slack", message.Attachments[0].Title)
		_, _ = io.WriteString(w, "ok")
	})
	routes.HandleFunc("POST /v2/enqueue", func(w http.ResponseWriter, r *http.Request) {
		var event struct {
			RoutingKey string `json:"routing_key"`
			Action     string `json:"event_action"`
			DedupKey   string `json:"dedup_key"`
			Payload    struct{ Summary, Source, Severity string }
		}
		if err := json.NewDecoder(r.Body).Decode(&event); err != nil || event.RoutingKey != pagerKey || event.DedupKey == "" ||
			event.Payload.Severity != "critical" || !map[string]bool{"trigger": true, "resolve": true}[event.Action] {
			t.Errorf("PagerDuty: %v %+v", err, event)
			return
		}
		d.addTitled(t, "pagerDuty", event.Payload.Summary)
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"status":"success","message":"Event processed","dedup_key":"`+event.DedupKey+`"}`)
	})
	routes.HandleFunc("POST /sms", func(_ http.ResponseWriter, r *http.Request) {
		var message notify.Message
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields() // what the operator sends has every field of what Alertmanager does
		if err := decoder.Decode(&message); err != nil || message.Version != "4" || "/sms?"+r.URL.RawQuery != smsPath {
			t.Errorf("webhook: %v, version %q, to %s", err, message.Version, r.URL)
			return
		}
		d.add("sms", message.GroupLabels["alertname"], message.Status)
	})
	routes.HandleFunc("/", func(_ http.ResponseWriter, r *http.Request) { t.Errorf("nobody expects %s %s", r.Method, r.URL.Path) })
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	return server
}

// addressOf is host:port of a server.
func addressOf(s *httptest.Server) string { return strings.TrimPrefix(s.URL, "http://") }
