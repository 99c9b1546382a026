package segment_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/ragservice/ragservice-operator/runtime/segment"
)

// units are the units of text, one a string: "# " before headings, "^ " before headers of tables and names of keys, and
// "context | " before what has a context.
func units(text string) []string {
	var out []string
	for u := range segment.Units(text) {
		s := text[u.Start:u.End]
		if u.Context != "" {
			s = u.Context + " | " + s
		}
		if u.Kind == segment.Heading {
			s = "# " + s
		}
		if u.Kind == segment.Header {
			s = "^ " + s
		}
		out = append(out, s)
	}
	return out
}

// written are texts as people and programs write them, and their units.
var written = []struct {
	name, text string
	want       []string
}{
	{"heading without a blank line", "# Leave\nThirty days.\n# Office\n\nIn Bonn.\n", []string{"# Leave", "Thirty days.", "# Office", "In Bonn."}},
	{"the same with CRLF", "# Leave\r\nThirty days.\r\n# Office\r\n\r\nIn Bonn.\r\n", []string{"# Leave", "Thirty days.", "# Office", "In Bonn."}},
	{"a number sign is no heading", "#1 rule is to ask.\n", []string{"#1 rule is to ask."}},
	{"the same with CR alone", "# Leave\rThirty days.\r# Office\r\rIn Bonn.\r\r\n", []string{"# Leave", "Thirty days.", "# Office", "In Bonn."}},
	{
		"an underlined heading right under a sentence", "Leave\n=====\nThirty days.\nOffice\n------\nIn Bonn.",
		[]string{"# Leave", "Thirty days.", "# Office", "In Bonn."},
	},
	{"an underlined heading of two lines", "Leave of\nabsence\n-------\nThirty days.", []string{"# Leave of\nabsence", "Thirty days."}},
	{"underlined headings", "Title\n=====\nText here.\n\nPart\n----\n\nMore.", []string{"# Title", "Text here.", "# Part", "More."}},
	{"a line over and under", "=====\nTitle\n=====\n\nText.\n\nPart\n~~~~\n\nMore.", []string{"# Title", "Text.", "# Part", "More."}},
	{"wrapped lines are one sentence", "One sentence\non two lines. Another\none.", []string{"One sentence\non two lines.", "Another\none."}},
	{"a byte order mark", "\ufeff# Title\nText.", []string{"# Title", "Text."}},
	{
		"a log, with a trace", "2026-01-02T03:04:05Z INFO worker 1 started. Job 7.\n2026-01-02T03:04:06Z ERROR lost smtp\n\tat a.go:1\n\n2026-01-02T03:04:07Z INFO end\n",
		[]string{"2026-01-02T03:04:05Z INFO worker 1 started. Job 7.", "2026-01-02T03:04:06Z ERROR lost smtp\n\tat a.go:1", "2026-01-02T03:04:07Z INFO end"},
	},
	{"a log of syslog", "Jan  2 03:04:05 host sshd[1]: up\nJan 12 03:04:06 host cron: ran\n", []string{"Jan  2 03:04:05 host sshd[1]: up", "Jan 12 03:04:06 host cron: ran"}},
	{
		"a log of a web server", "10.0.0.1 - bob [10/Oct/2025:13:55:36 +0000] \"GET /a\" 200\n10.0.0.2 - - [10/Oct/2025:13:55:37 +0000] \"GET /b\" 404\n",
		[]string{"10.0.0.1 - bob [10/Oct/2025:13:55:36 +0000] \"GET /a\" 200", "10.0.0.2 - - [10/Oct/2025:13:55:37 +0000] \"GET /b\" 404"},
	},
	{
		"a log in brackets, and of klog", "[2026-01-02 03:04:05,123] WARN a\nW0102 03:04:05.000001 1 b.go:1] c\n2026/01/02 03:04:05 d\n",
		[]string{"[2026-01-02 03:04:05,123] WARN a", "W0102 03:04:05.000001 1 b.go:1] c", "2026/01/02 03:04:05 d"},
	},
	{"a text that begins with a time", "2026-01-02 03:04 was when it began. It\nended soon. Nobody\nknew.", []string{"2026-01-02 03:04 was when it began.", "It\nended soon.", "Nobody\nknew."}},
	{"abbreviations", "Ask Dr. Smith, e.g. on Mondays. It costs approx. 45 euros. Das gilt z. B. heute.",
		[]string{"Ask Dr. Smith, e.g. on Mondays.", "It costs approx. 45 euros.", "Das gilt z. B. heute."}},
	{"initials", "J. R. Smith came. This is plan B. It works.", []string{"J. R. Smith came.", "This is plan B.", "It works."}},
	{"a sentence that begins with code", "It is old. `--listen` sets the address. The end.", []string{"It is old.",
		"`--listen` sets the address.", "The end."}},
	{"a minus", "It is cold. -40 °C is the least. --force is an option.", []string{"It is cold.", "-40 °C is the least.", "--force is an option."}},
	{"a number", "Nothing is free here. 30 days later it ends. See Fig. 3 for more.", []string{"Nothing is free here.",
		"30 days later it ends.", "See Fig. 3 for more."}},
	{"numbers of things are no comments", "Bugs:\n\n#42 crashes the printer.\n\n#43 loses the mail.", []string{"Bugs:", "#42 crashes the printer.", "#43 loses the mail."}},
	{
		"a sentence that begins with a path, an address, a name, a fraction", "It is old. /var/log/a holds it. See below. https://a.example shows it. It is so. @anna leads it. It is small. .5 mg is it. It is about. ~3 MB is it.",
		[]string{"It is old.", "/var/log/a holds it.", "See below.", "https://a.example shows it.", "It is so.", "@anna leads it.", "It is small.", ".5 mg is it.", "It is about.", "~3 MB is it."},
	},
	{"a point inside", "Add . to it. Go to a./b now. It has ... of them.", []string{"Add . to it.", "Go to a./b now.", "It has ... of them."}},
	{"initials of a country", "The U.S. Navy came. It left the U.S. The end.", []string{"The U.S. Navy came.", "It left the U.S.", "The end."}},
	{"a German ordinal", "Die Sitzung ist am 3. Mai im 2. Stock. Es gibt 3. Das reicht.", []string{"Die Sitzung ist am 3. Mai im 2. Stock.", "Es gibt 3.", "Das reicht."}},
	{"short names of days and months", "It is on Tue. 5 Sept. 2026. We sit in the sun. Nobody came.", []string{"It is on Tue. 5 Sept. 2026.", "We sit in the sun.", "Nobody came."}},
	{"abbreviations of Dutch and Polish", "Dhr. Jansen werkt. Pan prof. Nowak jest przy ul. Długiej.", []string{"Dhr. Jansen werkt.", "Pan prof. Nowak jest przy ul. Długiej."}},
	{"Chinese before a minus", "传感器用于室外。-40 °C 是最低温度。`--force` 覆盖文件。", []string{"传感器用于室外。", "-40 °C 是最低温度。", "`--force` 覆盖文件。"}},
	{"Japanese", "有給休暇は年に二十日です。申請は一週間前までに行ってください。", []string{"有給休暇は年に二十日です。", "申請は一週間前までに行ってください。"}},
	{"Hindi", "अवकाश बीस दिन का है। आवेदन करें।", []string{"अवकाश बीस दिन का है।", "आवेदन करें।"}},
	{"Arabic", "كم يوما؟ الإجازة عشرون يوما.", []string{"كم يوما؟", "الإجازة عشرون يوما."}},
	{"Hebrew with a mark of direction", "החופשה היא עשרים יום.\u200f המשרד נפתח בתשע.", []string{"החופשה היא עשרים יום.", "המשרד נפתח בתשע."}},
	{"a table", "Before.\n\n| Service | Port |\n|---|---|\n| redis | 6379 |\n| smtp | 25 |\n", []string{"Before.", "^ | Service | Port |",
		"| Service | Port | | | redis | 6379 |", "| Service | Port | | | smtp | 25 |"}},
	{"a table without outer bars", "Service | Port\n--- | ---\nredis | 6379\n", []string{"^ Service | Port", "Service | Port | redis | 6379"}},
	{"a table in a frame", "+-----+------+\n| Key | Use  |\n+=====+======+\n| a   | one  |\n|     | more |\n+-----+------+\n",
		[]string{"^ | Key | Use  |", "| Key | Use | | | a   | one  |\n|     | more |"}},
	{"a short numbered list", "To restart:\n\n1. Stop it.\n2. Start it.\n\nDone.", []string{"To restart:\n\n1. Stop it.\n2. Start it.", "Done."}},
	{"a long list", "Options:\n\n- " + strings.Repeat("one ", 50) + "\n- " + strings.Repeat("two ", 50), []string{"Options:",
		"Options: | " + strings.TrimSpace(strings.Repeat("one ", 50)), "Options: | " + strings.TrimSpace(strings.Repeat("two ", 50))}},
	{"code", "Run this:\n\n```sh\nmake it\n```\n\nAfter.", []string{"Run this:", "Run this: | make it", "After."}},
	{"a manual page", "NAME\n       shred - overwrite a file\n\nOPTIONS\n       -z, --zero\n              Add a last pass. It hides the rest.\n\n       -n N   Repeat N times.\n",
		[]string{"# NAME", "shred - overwrite a file", "# OPTIONS", "-z, --zero\n              Add a last pass.",
			"-z, --zero | It hides the rest.", "-n N   Repeat N times."}},
	{"CSV", "item,price\nPX-1,5\n\"PX,2\",7\n", []string{"^ item,price", "item,price | PX-1,5", "item,price | \"PX,2\",7"}},
	{"values between bars", "item|price\nZ1|5\nZ2|7\n", []string{"^ item|price", "item|price | Z1|5", "item|price | Z2|7"}},
	{"columns under names in capitals", "NAME    PORT   OWNER\nredis   6379   anna\nsmtp    25     bert\n",
		[]string{"^ NAME    PORT   OWNER", "NAME PORT OWNER | redis   6379   anna", "NAME PORT OWNER | smtp    25     bert"}},
	{"columns between rules", "=====  ====\nName   Port\n=====  ====\nredis  6379\nsmtp   25\n       587\n=====  ====\n\nThe end.",
		[]string{"^ Name   Port", "Name Port | redis  6379", "Name Port | smtp   25\n       587", "The end."}},
	{"columns between two rules", "=====  ====\nredis  6379\nsmtp   25\n=====  ====\n\nThe end.\n\n=== ===\n", []string{"redis  6379", "smtp   25", "The end."}},
	{"a quotation behind a sentence", "必ず出す！月末です。「早めに」と言う。「三日。」と言った。次です。", []string{"必ず出す！", "月末です。", "「早めに」と言う。", "「三日。」と言った。", "次です。"}},
	{"what is said, and who says it", "\"Stop!\" said he. \"Why?\" It was late. «Où ?» demanda-t-il.", []string{"\"Stop!\" said he.", "\"Why?\"", "It was late.", "«Où ?» demanda-t-il."}},
	{"streets", "Il est au 5, av. Victor Hugo. Está en la Avda. Libertad.", []string{"Il est au 5, av. Victor Hugo.", "Está en la Avda. Libertad."}},
	{"a quotation that ends", "经理说：“报销需要三天。”会议室在三楼。“好。”他说。", []string{"经理说：“报销需要三天。”", "会议室在三楼。", "“好。”", "他说。"}},
	{"CSV with a value of two lines", "id,text\n1,\"One\nof two\"\n2,\"Two\"\n3,\"Three\"\n", []string{"^ id,text", "id,text | 1,\"One\nof two\"", "id,text | 2,\"Two\"", "id,text | 3,\"Three\""}},
	{"a bold question", "**How long is it?**\n\nFive years.\n\n**It is so.**\n", []string{"# **How long is it?**", "Five years.", "**It is so.**"}},
	{"a mail", "From: anna\nTo: bert\nSubject: Meeting\n\nIt moves to room 12. Bring the plans.\n",
		[]string{"From: anna", "To: bert", "Subject: Meeting", "It moves to room 12.", "Bring the plans."}},
	{"a unit at the end", "It holds 50 l. Water boils, e. g. here. The road has 5 m. It ends.", []string{"It holds 50 l.", "Water boils, e. g. here.", "The road has 5 m.", "It ends."}},
	{"columns without names", "redis   6379   anna\nsmtp    25     bert\n", []string{"redis   6379   anna", "smtp    25     bert"}},
	{"sections of a configuration", "[server]\nport=80\n\n[admin]\n# Behind it.\nport=90\n\nname=a\n",
		[]string{"# [server]", "server | port=80", "# [admin]", "Behind it.", "Behind it. | port=90", "admin | name=a"}},
	{"JSON", `{"codes": [{"code": "BIF", "name": "Burundi Franc", "number": "108", "more": "` + strings.Repeat("x ",
		60) + `"}, {"code": "ALL", "name": "Lek", "text": "` + strings.Repeat("y ", 60) + `"}]}`,
		[]string{`^ "codes":`, `codes | {"code": "BIF", "name": "Burundi Franc", "number": "108", "more": "` + strings.Repeat("x ", 60) + `"}`,
			`codes | {"code": "ALL", "name": "Lek", "text": "` + strings.Repeat("y ", 60) + `"}`}},
	{"YAML", "services:\n  web:\n    image: nginx\n    ports:\n      - 80:80\n  db:\n    image: redis\n",
		[]string{"^ services:", "^ services | web:", "services > web | image: nginx", "^ services > web | ports:",
			"services > web > ports | - 80:80", "^ services | db:", "services > db | image: redis"}},
	{"configuration", "# The port of the server.\n# It can be changed.\nport = 80\n\n# The user.\nuser = www\n",
		[]string{"The port of the server.", "It can be changed.", "The port of the server. It can be changed. | port = 80", "The user.",
			"The user. | user = www"}},
	{"lines that were not wrapped", "Print counts as text: stat -x\nList what there is, with all that belongs to it: list -a -v\nShow more: top\n", []string{"Print counts as text: stat -x", "List what there is, with all that belongs to it: list -a -v", "Show more: top"}},
	{"decoration alone", "=====\n", nil},
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, test := range written {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, units(test.text)); diff != "" {
				t.Errorf("units (-want +got):\n%s", diff)
			}
		})
	}
}

// Hostile texts: what would make a tree as large as the text, or a unit.
func TestUnitsAreBounded(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"one run":            fill("a"),
		"Chinese":            fill("年休二十天"),
		"marks of one":       "e" + fill("\u0301"),
		"quotations":         fill(">"),
		"spaced quotations":  fill("> "),
		"nested lists":       fill("- "),
		"stairs":             stairs(2000),
		"open brackets":      fill("["),
		"open braces":        fill(`{"a":`),
		"quotation marks":    fill(`"`),
		"fences":             fill("```\n"),
		"bars":               fill("|"),
		"bars and dashes":    fill("|-\n"),
		"full stops":         fill(". "),
		"abbreviations":      fill("e.g. "),
		"new lines":          fill("a\n"),
		"commas":             fill("a,b\n"),
		"one line of values": "a,b\nc,d\n\"" + fill("e,"),
		"comments":           fill("# a\n"),
		"keys":               fill("a:\n"),
		"control characters": fill("a\x00\x01"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			last := 0
			for u := range segment.Units(text) {
				if u.Start < last || u.End <= u.Start || u.End > len(text) {
					t.Fatalf("unit [%d,%d) after %d", u.Start, u.End, last)
				}
				if u.End-u.Start > segment.MaxUnit || len(u.Context) > 1<<10 {
					t.Fatalf("a unit of %d bytes with a context of %d", u.End-u.Start, len(u.Context))
				}
				if !utf8.ValidString(text[u.Start:u.End]) || !utf8.ValidString(u.Context) {
					t.Fatal("a character was cut")
				}
				last = u.End
			}
		})
	}
}

func stairs(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString(strings.Repeat(" ", i%600) + "step\n\n")
	}
	return out.String()
}

func TestUnitsEndWhenNobodyWantsMore(t *testing.T) {
	t.Parallel()
	for range segment.Units(strings.Repeat("One. Two.\n\n- a\n- b\n\n", 100)) {
		break
	}
}
