package rag

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/language"
)

// Bounds of documents.
const (
	// MaxDocumentText is the longest text, in bytes.
	MaxDocumentText = 8 << 20
	// MaxTitle and MaxURL bound title and URL, in bytes.
	MaxTitle = 1024
	MaxURL   = 2048
	// MaxLanguage is the longest language tag, in bytes (RFC 5646 advises to take this much).
	MaxLanguage = 35
	// MaxMetadataFields, MaxMetadataField and MaxMetadataValue bound metadata: fields, bytes of a name, bytes of a value.
	MaxMetadataFields = 64
	MaxMetadataField  = 128
	MaxMetadataValue  = 1024
	// MaxMetadataValues bounds an array of strings.
	MaxMetadataValues = 64
)

var documentID = regexp.MustCompile(`^[A-Za-z0-9._:/-]{1,256}$`)

// DocumentResult is what became of one document of an ingest.
type DocumentResult struct {
	// Index is the position in the request, from 0.
	Index  int
	ID     string
	Status WriteStatus
	// Chunks is the number of passages that the document was cut into.
	Chunks int
	// Err says why, with StatusFailed.
	Err error
}

// IngestOptions are the options of an ingest.
type IngestOptions struct {
	// Refresh makes the documents searchable before the answer. Without it they are within a second or so.
	Refresh bool
}

// IngestSummary counts what became of the documents.
type IngestSummary struct {
	Created, Updated, Unchanged, Failed int
}

func (s *IngestSummary) count(status WriteStatus) {
	switch status {
	case StatusCreated:
		s.Created++
	case StatusUpdated:
		s.Updated++
	case StatusUnchanged:
		s.Unchanged++
	case StatusFailed:
		s.Failed++
	}
}

// ValidateDocumentID says what is wrong with the id of a document.
func ValidateDocumentID(id string) error {
	if fault := checkDocumentID(id); fault != nil {
		return Invalid(*fault)
	}
	return nil
}

// maxTenant is the longest name of a tenant, in bytes.
const maxTenant = 128

// ValidateTenant says what is wrong with the name of a tenant.
func ValidateTenant(name string) error {
	if !isName(name, maxTenant) {
		return Invalid(FieldError{"tenant", "must have 1 to 128 bytes of text without control characters"})
	}
	return nil
}

// isName reports whether a text can name something: it is no more than maxBytes, not empty, and has no control characters.
func isName(s string, maxBytes int) bool {
	return s != "" && len(s) <= maxBytes && utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func checkDocumentID(id string) *FieldError {
	if !documentID.MatchString(id) {
		return &FieldError{"id", "must have 1 to 256 characters of A-Za-z0-9._:/-"}
	}
	for segment := range strings.SplitSeq(id, "/") {
		if segment == "" || segment == "." || segment == ".." {
			return &FieldError{"id", "must not have a segment that is empty, '.' or '..'"}
		}
	}
	return nil
}

// Validate says what is wrong with d.
func (d Document) Validate() error {
	var faults []FieldError
	add := func(field, format string, args ...any) {
		faults = append(faults, FieldError{field, fmt.Sprintf(format, args...)})
	}
	if fault := checkDocumentID(d.ID); fault != nil {
		faults = append(faults, *fault)
	}
	switch {
	case !utf8.ValidString(d.Text):
		add("text", "must be valid UTF-8")
	case !strings.ContainsFunc(d.Text, isSeen):
		add("text", "must not be empty, or of characters alone that nobody sees")
	case len(d.Text) > MaxDocumentText:
		add("text", "must have at most %d bytes", MaxDocumentText)
	}
	if len(d.Title) > MaxTitle {
		add("title", "must have at most %d bytes", MaxTitle)
	}
	switch link, err := url.Parse(d.URL); {
	case len(d.URL) > MaxURL:
		add("url", "must have at most %d bytes", MaxURL)
	case err != nil || link.Scheme != "" && link.Scheme != "http" && link.Scheme != "https":
		add("url", "must be an http or https URL, or a path") // citations are links: javascript: must not be one
	}
	if why := ValidateGroups(d.Access.groups()); why != "" {
		add("access.groups", "%s", why)
	}
	if d.Language != "" {
		if _, err := language.Parse(d.Language); err != nil || len(d.Language) > MaxLanguage {
			add("language", "must be a BCP 47 language tag, such as de or pt-BR")
		}
	}
	faults = append(faults, checkMetadata(d.Metadata)...)
	if len(faults) > 0 {
		return Invalid(faults...)
	}
	return nil
}

func checkMetadata(m Metadata) []FieldError {
	var faults []FieldError
	if len(m) > MaxMetadataFields {
		faults = append(faults, FieldError{"metadata", fmt.Sprintf("must have at most %d fields", MaxMetadataFields)})
	}
	for _, field := range slices.Sorted(maps.Keys(m)) {
		value := m[field]
		if field == "" || len(field) > MaxMetadataField || strings.ContainsRune(field, 0) {
			faults = append(faults, FieldError{"metadata", fmt.Sprintf("field names must have 1 to %d bytes and no NUL", MaxMetadataField)})
			continue
		}
		if reason := checkMetadataValue(value); reason != "" {
			faults = append(faults, FieldError{"metadata." + field, reason})
		}
	}
	return faults
}

func checkMetadataValue(value any) string {
	switch v := value.(type) {
	case bool:
		return ""
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return "must be a finite number"
		}
		return ""
	case string:
		if len(v) > MaxMetadataValue {
			return fmt.Sprintf("must have at most %d bytes", MaxMetadataValue)
		}
		return ""
	case []any:
		if len(v) > MaxMetadataValues {
			return fmt.Sprintf("must have at most %d values", MaxMetadataValues)
		}
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return "must be an array of strings"
			}
			if len(s) > MaxMetadataValue {
				return fmt.Sprintf("values must have at most %d bytes", MaxMetadataValue)
			}
		}
		return ""
	default:
		return "must be a string, a number, a boolean or an array of strings"
	}
}
