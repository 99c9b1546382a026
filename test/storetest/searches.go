package storetest

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

func testWords(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		document("english", "The Wings' flutter was calculated"), document("german", "Überschallströmungen"),
		document("chinese", "超音速飞行"), document("russian", "Сверхзвуковое течение"), document("number", "Mach 2.5 at NACA-0012"),
	})
	for query, want := range map[string]string{
		"wing": "english", "WINGS": "english", "wing's": "english", "calculating flutters": "english",
		"überschallströmungen": "german", "音速": "chinese", "сверхзвуковое": "russian",
		"2.5": "number", "0012": "number", "naca": "number", "lift of a wing": "english",
	} {
		s.wantFound(t, query, want)
	}
	s.wantFound(t, "ship")
}

// A query is words, whatever language its punctuation has elsewhere.
func testPlainText(t *testing.T, s tenant) {
	s.write(t, []rag.Document{document("lift", "lift"), document("drag", "drag")})
	for _, query := range []string{
		"lift -drag", "+lift drag", "lift AND drag", "lift OR drag", "NOT lift drag", "(lift drag", "\"lift drag\"", "\"lift drag", "lift^9 drag^0",
		"text: lift drag", "lift || drag", "lift && !drag", "{\"match_all\":{}} lift drag", "lift\\ drag", "lift/drag/", "lift drag [1 TO 2]",
	} {
		found := s.documents(t, rag.Query{Text: query})
		slices.Sort(found)
		if diff := cmp.Diff([]string{"drag", "lift"}, found); diff != "" {
			t.Errorf("%q is not its words (-want +got):\n%s", query, diff)
		}
	}
	for _, query := range []string{"*", "lif*", "li?t", "lfit~2", "/l.ft/", "_exists_:text", "tenant:" + s.name, "kind:chunk", "facets:*", "[a TO z]"} {
		s.wantFound(t, query)
	}
}

func testNothingToLookFor(t *testing.T, s tenant) {
	s.write(t, []rag.Document{document("a", "what is the boundary layer of a plate and how is it")})
	for _, query := range []string{"?!", "  ", "", "…"} {
		if found := s.search(t, rag.Query{Text: query}); len(found.Hits) != 0 || found.Total != 0 {
			t.Errorf("%q found %d of %d, want nothing", query, len(found.Hits), found.Total)
		}
	}
}

// Stop words find only when there is nothing else to look for, in the title too.
func testStopWords(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		document("question", "To be or not to be, that is the question."), document("plate", "the layer of a plate"),
		{ID: "band", Title: "The Who", Text: "Rock from London"}, document("german", "Das ist die Frage, und die ist nicht leicht."),
	})
	s.wantFound(t, "to be or not to be", "question")
	s.wantFound(t, "Who is it?", "band", "question")
	s.wantFound(t, "die", "german")
	s.wantFound(t, "what is the layer", "plate")
	s.wantFound(t, "what is the wing")
}

// What a query finds in one spelling it finds in the others, and the exact one first.
func testSpellings(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		document("accents", "The caf\u00e9 name"), document("plain", "The cafe name"), document("decomposed", "Das Cafe\u0301 Mu\u0308ller"),
		document("hidden", "Ge\u00adsamt\u00adkosten"), document("code", "call getUserById with log level:debug"), document("thai", "พนักงานมีวันลาพักร้อนสามสิบวันต่อปี"),
	})
	s.wantFound(t, "M\u00fcller", "decomposed")
	s.wantFound(t, "Mueller", "decomposed")
	s.wantFound(t, "Gesamtkosten", "hidden")
	s.wantFound(t, "debug", "code")
	s.wantFound(t, "user", "code")
	s.wantFound(t, "วันลาพักร้อน", "thai")
	for query, first := range map[string]string{"caf\u00e9 name": "accents", "cafe name": "plain"} {
		if found := s.documents(t, rag.Query{Text: query}); len(found) != 3 || found[0] != first {
			t.Errorf("%q finds %v, want three with %s first", query, found, first)
		}
	}
}

// A passage is found by the headings it stands under, too, and by those of its text first.
func testHeadings(t *testing.T, s tenant) {
	d := chunked(t, document("under", "thirty days"))
	d.Chunks[0].Heading = "Leave > Vacation"
	other := chunked(t, document("text", "vacation days"))
	if _, err := s.Write(t.Context(), s.name, []rag.ChunkedDocument{d, other}); err != nil {
		t.Fatal(err)
	}
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"text", "under"}, s.documents(t, rag.Query{Text: "vacation"})); diff != "" {
		t.Errorf("by a heading (-want +got):\n%s", diff)
	}
}

// The language that a document names decides its stems and stop words.
func testLanguages(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		{ID: "english", Text: "gifts running", Language: "en"}, {ID: "german", Text: "gifts running", Language: "de-AT"},
	})
	s.wantFound(t, "gift", "english")
	s.wantFound(t, "gifts", "english", "german")
}

// The statistics are of the tenant alone, and of what passes the filter.
func testStatistics(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		document("a", "shock wave"), document("b", "shock tube"), document("c", "plate"),
		{ID: "d", Title: "shock", Text: "plate", Metadata: rag.Metadata{"source": "rae"}},
	})
	other := tenant{s.Store, s.name + "-other"}
	other.write(t, []rag.Document{document("a", "shock wave")})
	for name, test := range map[string]struct {
		query rag.Query
		want  rag.Statistics
	}{
		"all":    {rag.Query{Text: "the shocks of a wave or ship"}, rag.Statistics{Chunks: 4, Holding: map[string]int{"shock": 2, "wave": 1}}},
		"filter": {rag.Query{Text: "plate wave", Filter: rag.Filter{"source": {"rae"}}}, rag.Statistics{Chunks: 1, Holding: map[string]int{"plate": 1}}},
		"page":   {rag.Query{Text: "shock", Offset: 1, TopK: 1}, rag.Statistics{Chunks: 4, Holding: map[string]int{"shock": 2}}},
		"none":   {rag.Query{Text: "ship"}, rag.Statistics{Chunks: 4, Holding: map[string]int{}}},
	} {
		if diff := cmp.Diff(test.want, s.search(t, test.query).Statistics); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func testLongQueries(t *testing.T, s tenant) {
	s.write(t, []rag.Document{document("a", "needle 针 needles")})
	words := make([]string, 3000)
	for i := range words {
		words[i] = "w" + strconv.Itoa(i)
	}
	ideographs := make([]rune, 8000)
	for i := range ideographs {
		ideographs[i] = rune(0x4e00 + i)
	}
	for name, query := range map[string]string{
		"compounds": "needle " + strings.Repeat("a-b.c/d_e:f ", 300), "words": "needle " + strings.Join(words, " "), "ideographs": "needle " + string(ideographs), "one word": "needle " + strings.Repeat("x", 8000),
		"symbols": "needle " + strings.Repeat("🚀 ", 4000), "the same word": strings.Repeat("needle ", 1000),
	} {
		if diff := cmp.Diff([]string{"a"}, s.documents(t, rag.Query{Text: query})); diff != "" {
			t.Errorf("a query of %s (-want +got):\n%s", name, diff)
		}
	}
}

func testFilters(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		{ID: "a", Text: "plate", Metadata: rag.Metadata{"source": "nasa", "year": 1958.0, "public": true, "tags": []any{"wing", "drag"}}},
		{ID: "b", Text: "plate", Metadata: rag.Metadata{"source": "rae", "year": 1958.5, "public": false, "tags": []any{"wing"}}},
		{ID: "c", Text: "plate", Metadata: rag.Metadata{"source": "NASA", "long": strings.Repeat("é", 512)}},
		{ID: "d", Text: "plate"},
		{ID: "e", Text: "cone", Metadata: rag.Metadata{"sta\u0308dte": "Cafe\u0301"}},
	})
	for name, test := range map[string]struct {
		filter rag.Filter
		want   []string
	}{
		"string":          {rag.Filter{"source": {"nasa"}}, []string{"a"}},
		"case is kept":    {rag.Filter{"source": {"NASA"}}, []string{"c"}},
		"either":          {rag.Filter{"source": {"nasa", "rae"}}, []string{"a", "b"}},
		"number":          {rag.Filter{"year": {"1958"}}, []string{"a"}},
		"fraction":        {rag.Filter{"year": {"1958.5"}}, []string{"b"}},
		"boolean":         {rag.Filter{"public": {"false"}}, []string{"b"}},
		"array":           {rag.Filter{"tags": {"drag"}}, []string{"a"}},
		"all must hold":   {rag.Filter{"tags": {"wing"}, "source": {"rae"}}, []string{"b"}},
		"none":            {rag.Filter{"source": {"nowhere"}}, nil},
		"other field":     {rag.Filter{"tags": {"nasa"}}, nil},
		"not a prefix":    {rag.Filter{"source": {"nas"}}, nil},
		"not an operator": {rag.Filter{"source": {"*"}}, nil},
		"long value":      {rag.Filter{"long": {strings.Repeat("é", 512)}}, []string{"c"}},
		"empty":           {rag.Filter{}, []string{"a", "b", "c", "d"}},
	} {
		if diff := cmp.Diff(test.want, s.documents(t, rag.Query{Text: "plate", Filter: test.filter}), cmpopts.EquateEmpty(), cmpopts.SortSlices(strings.Compare)); diff != "" {
			t.Errorf("filter %s (-want +got):\n%s", name, diff)
		}
	}
	for _, filter := range []rag.Filter{{"st\u00e4dte": {"Caf\u00e9"}}, {"sta\u0308dte": {"Cafe\u0301"}}} {
		if diff := cmp.Diff([]string{"e"}, s.documents(t, rag.Query{Text: "cone", Filter: filter})); diff != "" {
			t.Errorf("accents composed otherwise (-want +got):\n%s", diff)
		}
	}
	if found := s.search(t, rag.Query{Text: "plate", Filter: rag.Filter{"tags": {"wing"}}, TopK: 1}); found.Total != 2 {
		t.Errorf("total under a filter is %d, want 2", found.Total)
	}
	if found := s.search(t, rag.Query{Text: "what is the", Filter: rag.Filter{"source": {"nasa"}}}); found.Total != 0 {
		t.Errorf("stop words under a filter found %d, want nothing", found.Total)
	}
}

// Chunks of equal score come in the order of their ids, so that pages neither overlap nor leave anything out.
func testPages(t *testing.T, s tenant) {
	var docs []rag.Document
	var want []string
	for i := range 23 {
		id := string(rune('a' + i))
		docs = append(docs, document(id, "plate theory"))
		want = append(want, id+"#0")
	}
	slices.Reverse(docs)
	s.write(t, docs)
	var got []string
	for offset := 0; offset < 30; offset += 5 {
		found := s.search(t, rag.Query{Text: "plate", TopK: 5, Offset: offset})
		if found.Total != 23 {
			t.Errorf("total at %d is %d, want 23", offset, found.Total)
		}
		got = append(got, chunkIDs(found)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the pages (-want +got):\n%s", diff)
	}
}

func testCandidates(t *testing.T, s tenant) {
	s.write(t, []rag.Document{document("a", passages("many", rag.MaxWindow+30))})
	found := s.search(t, rag.Query{Text: "thin", TopK: 10, Offset: rag.MaxWindow - 10})
	if found.Total != rag.MaxWindow || len(found.Hits) != 10 {
		t.Errorf("found %d of %d, want 10 of %d", len(found.Hits), found.Total, rag.MaxWindow)
	}
	found = s.search(t, rag.Query{Text: "thin", TopK: 10, Offset: rag.MaxWindow})
	if found.Total != rag.MaxWindow || len(found.Hits) != 0 {
		t.Errorf("beyond the candidates: found %d of %d, want 0 of %d", len(found.Hits), found.Total, rag.MaxWindow)
	}
}

func testLeastScore(t *testing.T, s tenant) {
	s.write(t, []rag.Document{document("both", "shock wave"), document("one", "shock tube"), document("none", "plate")})
	all := s.search(t, rag.Query{Text: "shock wave"})
	if diff := cmp.Diff([]string{"both#0", "one#0"}, chunkIDs(all)); diff != "" {
		t.Fatalf("without a least score (-want +got):\n%s", diff)
	}
	between := (all.Hits[0].Score + all.Hits[1].Score) / 2
	found := s.search(t, rag.Query{Text: "shock wave", MinScore: &between})
	if diff := cmp.Diff([]string{"both#0"}, chunkIDs(found)); diff != "" || found.Total != 1 {
		t.Errorf("with a least score: total %d (-want +got):\n%s", found.Total, diff)
	}
	between = all.Hits[0].Score * 2
	if found := s.search(t, rag.Query{Text: "shock wave", MinScore: &between}); found.Total != 0 {
		t.Errorf("above every score: total %d, want 0", found.Total)
	}
}

func testTitle(t *testing.T, s tenant) {
	s.write(t, []rag.Document{
		{ID: "title", Title: "Buckling of shells", Text: "thin shells under load"},
		{ID: "text", Title: "Other", Text: "thin shells under load"},
	})
	s.wantFound(t, "buckling", "title")
	s.wantFound(t, "shells", "title", "text")
}

// A document that names groups is found in their name and counted for nobody else; what it names may change.
func testAccess(t *testing.T, s tenant) {
	secret, public := document("secret", "flutter of thin panels"), document("public", "flutter of thick panels")
	secret.Access = &rag.Access{Groups: []string{"board", "law"}}
	s.write(t, []rag.Document{secret, public})
	finds := func(readers []string, want ...string) {
		t.Helper()
		found := s.search(t, rag.Query{Text: "flutter", Readers: readers})
		var ids []string
		for _, hit := range found.Hits {
			ids = append(ids, hit.DocumentID)
		}
		slices.Sort(ids)
		if diff := cmp.Diff(want, ids); diff != "" || found.Total != len(want) || found.Statistics.Chunks != len(want) {
			t.Errorf("%q found %d of %d chunks (-want +got):\n%s", readers, found.Total, found.Statistics.Chunks, diff)
		}
	}
	client := func(groups ...string) []string { return rag.Identity{Groups: groups}.Readers() }
	finds(client(), "public")
	finds(client("staff"), "public")
	finds(client("staff", "law"), "public", "secret")
	finds(rag.Identity{Role: rag.RoleAdmin}.Readers(), "public", "secret")
	stored, err := s.Document(t.Context(), s.name, "secret")
	if err != nil || stored.Access == nil || !slices.Equal(stored.Access.Groups, secret.Access.Groups) {
		t.Errorf("the document is kept with access %+v, %v", stored.Access, err)
	}
	secret.Access.Groups = []string{"board"}
	s.write(t, []rag.Document{secret}, rag.StatusUpdated)
	finds(client("law"), "public")
	finds(client("board"), "public", "secret")
	secret.Access = nil
	s.write(t, []rag.Document{secret}, rag.StatusUpdated)
	finds(client(), "public", "secret")
}
