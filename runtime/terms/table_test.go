package terms_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/terms"
)

// row is a text, a query, and whether the query finds the text. The configured language is English unless the row names
// others.
type row struct {
	kind, text, query string
	found             bool
	languages         string
}

// rows are kinds of words that a search was reported to lose, here or elsewhere, and their counterparts that it must not
// find.
var rows = []row{
	// English: stems, stop words, apostrophes.
	{"en stem", "The wings' flutter was calculated", "wing", true, ""},
	{"en stem", "caches are invalidated", "cached invalidation", true, ""},
	{"en stem", "policies", "policy", true, ""},
	{"en possessive", "the company's policy", "company", true, ""},
	{"en typographic possessive", "the company\u2019s policy", "company's", true, ""},
	{"en stop words alone", "to be or not to be", "to be or not", true, ""},
	{"en stop words beside others", "to be or not to be", "what is the wing", false, ""},
	{"en another word", "wing", "ship", false, ""},
	{"en part of a word", "winglet", "let", false, ""},
	{"en acronym", "call the IT department", "IT", true, ""},
	{"en acronym and pronoun", "it is raining", "who is IT support", false, ""},
	{"en contraction", "don\u2019t panic", "don't panic", true, ""},
	{"name with apostrophe", "O\u2019Reilly", "O'Reilly", true, ""},
	{"name with apostrophe", "O'Reilly", "O\u2019Reilly", true, ""},
	{"name with apostrophe", "O`Reilly", "O\u2018Reilly", true, ""},
	{"name with apostrophe", "O\u02bcReilly", "OReilly", true, ""},
	{"name with apostrophe", "O\uff07Reilly", "Reilly", true, ""},
	{"name with apostrophe", "D'Angelo", "O'Reilly", false, ""},
	// Unicode forms.
	{"decomposed", "Das Cafe\u0301 Mu\u0308ller", "Caf\u00e9 M\u00fcller", true, ""},
	{"decomposed", "Das Caf\u00e9 M\u00fcller", "Cafe\u0301", true, ""},
	{"decomposed in the query", "M\u00fcller", "Mu\u0308ller", true, ""},
	{"decomposed Hangul", "\u1112\u1172\u1100\u1161 \u110b\u1175\u11af\u1109\u116e", "휴가", true, ""},
	{"decomposed Hangul in the query", "휴가 일수", "\u1112\u1172\u1100\u1161", true, ""},
	{"decomposed kana", "ハ\u309aスワート\u3099", "パスワード", true, ""},
	{"soft hyphen", "Ge\u00adsamt\u00adkosten", "Gesamtkosten", true, ""},
	{"soft hyphen in the query", "Gesamtkosten", "Gesamt\u00adkosten", true, ""},
	{"zero-width space", "data\u200bbase", "database", true, ""},
	{"zero-width joiner", "data\u200dbase", "database", true, ""},
	{"zero-width non-joiner", "می\u200cخواهم", "میخواهم", true, ""},
	{"word joiner", "data\u2060base", "database", true, ""},
	{"byte order mark", "\ufeffNeedle", "needle", true, ""},
	{"byte order mark inside", "nee\ufeffdle", "needle", true, ""},
	{"right-to-left mark", "חופשה\u200f", "חופשה", true, ""},
	{"left-to-right mark", "\u200eport\u200e 8080", "port", true, ""},
	{"direction isolates", "\u2067שלום\u2069 world", "שלום", true, ""},
	{"variation selector", "❤\ufe0f heart", "❤", true, ""},
	{"ligature", "e\ufb03cient \ufb01lter", "efficient filter", true, ""},
	{"ligature", "work\ufb02ow", "workflow", true, ""},
	{"ligature in the query", "office", "o\ufb03ce", true, ""},
	{"full width", "ＡＰＩ", "API", true, ""},
	{"full width digits", "ポート８０８０", "8080", true, ""},
	{"half-width kana", "ｻｰﾊﾞｰ", "サーバー", true, ""},
	{"superscript", "10 m² of floor", "m2", true, ""},
	{"subscript", "CO₂ emissions", "co2", true, ""},
	{"trade mark", "Foo™ is ours", "foo", true, ""},
	{"circled digit", "step ③", "3", true, ""},
	{"mathematical letters", "𝐛𝐨𝐥𝐝 text", "bold", true, ""},
	{"long s", "Wachſtube", "wachstube", true, ""},
	{"no-break space", "paid\u00a0leave", "leave", true, ""},
	{"narrow no-break space", "10\u202fkg", "kg", true, ""},
	{"non-breaking hyphen", "e\u2011mail", "e-mail", true, ""},
	// Case.
	{"case", "KUBERNETES", "Kubernetes", true, ""},
	{"sharp s", "Straße", "STRASSE", true, ""},
	{"sharp s", "STRASSE", "straße", true, ""},
	{"capital sharp s", "STRAẞE", "strasse", true, ""},
	{"final sigma", "ΟΔΟΣ", "οδος", true, ""},
	{"Turkish capitals", "İSTANBUL", "istanbul", true, ""},
	{"Armenian", "ԵՐԵՎԱՆ", "երևան", false, ""}, // capitals lose the ligature
	{"Armenian", "Երևան քաղաք", "քաղաք", true, ""},
	// Diacritics.
	{"French", "Le café est fermé", "cafe", true, ""},
	{"French", "un résumé", "resume", true, ""},
	{"French cœur", "le cœur", "coeur", true, ""},
	{"French elision", "l\u2019école est fermée", "école", true, ""},
	{"French elision", "aujourd'hui", "aujourd’hui", true, ""},
	{"Spanish", "año nuevo", "ano", true, ""},
	{"Portuguese", "férias e informação", "informacao", true, ""},
	{"Portuguese is not stemmed as English", "As férias são em agosto e não em julho.", "feria", false, ""},
	{"Polish", "Łódź i okolice", "lodz", true, ""},
	{"Polish", "zażółć gęślą jaźń", "zazolc gesla", true, ""},
	{"Czech", "příliš žluťoučký kůň", "kun", true, ""},
	{"Croatian", "Đakovo", "dakovo", true, ""},
	{"Danish", "Rødgrød", "rodgrod", true, ""},
	{"Danish written out", "Ørsted", "Oersted", true, ""},
	{"Norwegian", "Åpningstider", "aapningstider", true, ""},
	{"Icelandic", "Þingvellir", "thingvellir", true, ""},
	{"Swedish", "smörgåsbord", "smorgasbord", true, ""},
	{"Finnish", "työpäivä", "tyopaiva", true, ""},
	{"Hungarian", "szabadság", "szabadsag", true, ""},
	{"Romanian", "București", "bucuresti", true, ""},
	{"Romanian cedilla", "Bucureşti", "București", true, ""},
	{"Turkish", "yıllık izin", "yillik", true, ""},
	{"Vietnamese", "nghỉ phép hằng năm", "nghi phep", true, ""},
	{"Vietnamese", "Đà Nẵng", "da nang", true, ""},
	{"German umlaut", "Herr Müller", "Muller", true, ""},
	{"German umlaut written out", "Herr Müller", "Mueller", true, ""},
	{"German umlaut written out in the text", "Herr Mueller", "Müller", true, ""},
	{"German", "Überschallströmungen", "überschallströmungen", true, ""},
	{"German stem", "Die Häuser am See", "Haus", true, "de"},
	{"German stop words", "Die Häuser und die Gärten", "und was ist die Wohnung", false, "de"},
	{"German under English", "Was ist die Kündigungsfrist für den Vertrag?", "Kündigungsfrist", true, ""},
	{"German question under English", "Der Hund ist nicht im Haus, und die Katze ist es auch nicht.", "Was ist die Kündigungsfrist und wie lange ist sie?", false, ""},
	{"Greek tonos", "καλημέρα κόσμε", "καλημερα", true, ""},
	{"Russian yo", "ёлка и мёд", "елка", true, ""},
	{"Russian short i is a letter", "мой", "мои", false, ""},
	{"Russian", "Сверхзвуковое течение", "сверхзвуковое", true, ""},
	{"Russian stem", "новые документы сохранены", "документ", true, "en ru"},
	{"Ukrainian apostrophe", "комп\u2019ютер", "комп'ютер", true, ""},
	{"Ukrainian", "Київ", "киів", true, ""},
	{"Arabic tashkeel", "الكِتَابُ الجَدِيدُ", "الكتاب", true, ""},
	{"Arabic tashkeel in the query", "كتاب جديد", "كِتَاب", true, ""},
	{"Arabic alef", "أحمد", "احمد", true, ""},
	{"Arabic alef", "الإجازة السنوية", "الاجازه", true, ""},
	{"Arabic article", "الكتاب على الطاولة", "كتاب", true, ""},
	{"Arabic tatweel", "كتـــاب", "كتاب", true, ""},
	{"Arabic presentation forms", "ﻛﺘﺎﺏ", "كتاب", true, ""},
	{"Arabic digits", "٣٠ يوما", "30", true, ""},
	{"Persian digits", "۱۴۰۳", "1403", true, ""},
	{"Persian yeh and kaf", "کتابی", "كتابي", true, ""},
	{"Arabic another word", "كتاب", "بيت", false, ""},
	{"Hebrew niqqud", "שָׁלוֹם", "שלום", true, ""},
	{"Hebrew acronym", "צה״ל", "צה\"ל", true, ""},
	{"Hebrew hyphen", "בית־ספר", "ספר", true, ""},
	// Scripts of India and neighbours: vowel signs are letters.
	{"Hindi", "कर्मचारियों को तीस दिन की छुट्टी मिलती है।", "छुट्टी", true, ""},
	{"Hindi vowel signs differ", "दिन", "दान", false, ""},
	{"Hindi digits", "३० दिन", "30", true, ""},
	{"Hindi nukta", "क\u093cलम", "क़लम", true, ""},
	{"Bengali", "বাংলাদেশের ছুটি", "ছুটি", true, ""},
	{"Tamil", "விடுமுறை நாட்கள்", "விடுமுறை", true, ""},
	{"Telugu", "సెలవు రోజులు", "సెలవు", true, ""},
	{"Malayalam", "അവധി ദിവസം", "അവധി", true, ""},
	{"Amharic", "የዓመት ፈቃድ።", "ፈቃድ", true, ""},
	{"Georgian", "შვებულება ოცდაათი დღე", "შვებულება", true, ""},
	{"Tibetan", "བོད་སྐད", "སྐད", true, ""},
	// Scripts without spaces.
	{"Chinese", "员工每年有三十天带薪休假。", "带薪休假", true, ""},
	{"Chinese sentence", "员工每年有三十天带薪休假。", "员工有多少天休假？", true, ""},
	{"Chinese word of one character", "水是生命之源", "水", true, ""},
	{"Chinese inside", "超音速飞行", "音速", true, ""},
	{"Chinese other order", "飞行超音速", "行飞", false, ""},
	{"Chinese grammar alone", "员工每年有假", "机器为什么是这个", false, ""},
	{"Chinese with Latin", "使用API密钥登录", "API", true, ""},
	{"Chinese with Latin", "使用API密钥登录", "密钥", true, ""},
	{"Chinese digits glued", "端口8080开放", "8080", true, ""},
	{"Japanese", "有給休暇は年に二十日です。", "有給休暇は何日ですか？", true, ""},
	{"Japanese verb", "申請は一週間前までに行ってください。", "申請", true, ""},
	{"Japanese hiragana", "りんごは百円です。", "りんご", true, ""},
	{"Japanese katakana", "サーバーを再起動する", "サーバー", true, ""},
	{"Japanese mixed", "お茶を飲む", "お茶", true, ""},
	{"Japanese grammar alone", "申請してください。", "本はどこにありますか", false, ""},
	{"Japanese iteration mark", "人々の声", "人々", true, ""},
	{"Korean", "휴가는 일 년에 삼십 일입니다.", "휴가", true, ""},
	{"Korean other particle", "휴가를 신청합니다", "휴가는", true, ""},
	{"Korean word of one syllable", "물을 마신다", "물", true, ""},
	{"Korean with Latin", "API를 호출한다", "api", true, ""},
	{"Korean another word", "휴가", "급여", false, ""},
	{"Thai", "พนักงานมีวันลาพักร้อนสามสิบวันต่อปี", "พนักงานมีวันลาพักร้อนสามสิบวันต่อปี", true, ""},
	{"Thai word", "พนักงานมีวันลาพักร้อนสามสิบวันต่อปี", "วันลาพักร้อน", true, ""},
	{"Thai sara am", "น้ำแข็ง", "น\u0e49\u0e4d\u0e32", true, ""},
	{"Thai digits", "ราคา ๓๐ บาท", "30", true, ""},
	{"Lao", "ພະນັກງານມີວັນພັກ", "ວັນພັກ", true, ""},
	{"Khmer", "ច្បាប់ឈប់សម្រាក", "ឈប់សម្រាក", true, ""},
	{"Burmese", "ခွင့်ရက်သုံးဆယ်", "ခွင့်ရက်", true, ""},
	{"Thai another word", "แมว", "หมู", false, ""},
	// Compounds.
	{"version", "since v1.2.3", "v1.2.3", true, ""},
	{"version", "since v1.2.3", "1.2.3", true, ""},
	{"version", "since v1.2.3", "1.2", true, ""},
	{"version in the query", "since 1.2.3", "v1.2.3", true, ""},
	{"another version", "since v1.2.3", "2.4", false, ""},
	{"part number", "order AB-4711-X", "AB-4711-X", true, ""},
	{"part number", "order AB-4711-X", "4711", true, ""},
	{"part number joined", "order AB4711X", "ab-4711-x", true, ""},
	{"part number", "order AB-4711-X", "4712", false, ""},
	{"field and value", "log level:debug", "debug", true, ""},
	{"field and value", "log level:debug", "level:debug", true, ""},
	{"address", "write to helpdesk@example.com", "helpdesk@example.com", true, ""},
	{"address", "write to helpdesk@example.com.", "helpdesk", true, ""},
	{"address", "<helpdesk@example.com>", "example.com", true, ""},
	{"host", "ssh db-01.internal.example.org", "internal", true, ""},
	{"host", "ssh db-01.internal.example.org", "db-01.internal.example.org", true, ""},
	{"IP address", "bind 192.168.0.1", "192.168.0.1", true, ""},
	{"URL", "see https://example.com/guide/install.html", "install", true, ""},
	{"URL", "see https://example.com/guide/install.html", "https://example.com/guide/install.html", true, ""},
	{"C++", "written in C++.", "C++", true, ""},
	{"C++ is not C", "written in C", "C++", false, ""},
	{"C#", "a C# developer", "c#", true, ""},
	{"C# is not C++", "a C# developer", "C++", false, ""},
	{"C# has C", "a C# developer", "C", true, ""},
	{".NET", "the .NET runtime", ".net", true, ""},
	{".NET", "the .NET runtime", "net", true, ""},
	{"node.js", "install node.js", "node.js", true, ""},
	{"node.js", "install Node.js", "nodejs", true, ""},
	{"node.js", "install node.js", "node", true, ""},
	{"camel case", "call getUserById", "getUserById", true, ""},
	{"camel case", "call getUserById", "user", true, ""},
	{"camel case", "call getUserById", "getuserbyid", true, ""},
	{"camel case", "an HTTPServer", "server", true, ""},
	{"snake case", "set max_open_files", "max_open_files", true, ""},
	{"snake case", "set max_open_files", "open", true, ""},
	{"option", "use --force", "--force", true, ""},
	{"option", "use --force", "force", true, ""},
	{"short option", "tar -x", "-x", true, ""},
	{"path", "edit /etc/passwd", "/etc/passwd", true, ""},
	{"path", "edit /etc/passwd", "passwd", true, ""},
	{"Windows path", `open C:\Users\guest`, "guest", true, ""},
	{"variable", "set $HOME", "home", true, ""},
	{"hash tag", "about #kubernetes", "kubernetes", true, ""},
	{"hyphen", "a well-known author", "well-known", true, ""},
	{"hyphen", "a state-of-the-art engine", "art", true, ""},
	{"hyphen joined", "send an email", "e-mail", true, ""},
	{"hyphen joined", "send an e-mail", "email", true, ""},
	{"key=value", "timeout=30s", "timeout", true, ""},
	{"thousands", "costs 1,000.50 euros", "1000.50", true, ""},
	{"thousands", "costs 10,000 euros", "10000", true, ""},
	{"thousands in the query", "costs 10000 euros", "10,000", true, ""},
	{"millions", "costs 1,250,000 euros", "1250000", true, ""},
	{"decimal comma", "kostet 3,5 Euro", "3,5", true, ""},
	{"values with semicolons", "255;75,50", "255", true, ""},
	{"values with semicolons", "AX-255;75,50", "AX-255", true, ""},
	{"values with commas", "142,284", "142", true, ""},
	{"values with commas", "142,284,7,19", "284", true, ""},
	{"values with commas", "1042,250,3", "1042", true, ""},
	{"values behind a name", "bolt-142,284", "bolt-142", true, ""},
	{"values behind a name", "болт-142,284", "142", true, ""},
	{"other values", "142,284,7,19", "428", false, ""},
	{"thousands are one number in a query", "142 or 284", "142,284", false, ""},
	{"date", "on 2024-01-05", "2024-01-05", true, ""},
	{"date", "on 2024-01-05", "2024", true, ""},
	{"negative number", "-40 °C", "-40", true, ""},
	{"number in a word", "order PX1042", "1042", true, ""},
	{"another number in a word", "order PX1042", "PX1043", false, ""},
	{"currency", "50€", "€", true, ""},
	{"currency", "50€", "50", true, ""},
	{"picture", "done 🎉", "🎉", true, ""},
	{"quotes", "the \u201cneedle\u201d", "needle", true, ""},
	{"guillemets", "«needle»", "needle", true, ""},
	{"Markdown", "**needle** and `code`", "needle code", true, ""},
	{"table", "|redis|6379|", "6379", true, ""},
	{"JSON", `{"port":8080}`, "port", true, ""},
	{"dashes", "needle\u2014hay", "hay", true, ""},
	{"a very long word", strings.Repeat("a", 500), strings.Repeat("a", 500), true, ""},
	{"another very long word", strings.Repeat("a", 500), strings.Repeat("a", 499) + "b", false, ""},
	{"behind unbroken text", strings.Repeat("a", 7000) + " needle", "needle", true, ""},
	{"inside unbroken Chinese", strings.Repeat("漢", 3000) + "休假" + strings.Repeat("字", 3000), "休假", true, ""},
	{"punctuation", "needle", "?!", false, ""},
}

func TestWordsAreFound(t *testing.T) {
	t.Parallel()
	if len(rows) < 120 {
		t.Fatalf("%d rows", len(rows))
	}
	for _, r := range rows {
		languages := strings.Fields(r.languages)
		if len(languages) == 0 {
			languages = []string{"en"}
		}
		a := terms.New(languages)
		if got := finds(a, r.text, r.query); got != r.found {
			t.Errorf("%s: %.60q finds %.60q: %t, want %t\nindex %.200v\nquery %.200v", r.kind, r.query, r.text, got, r.found, a.Index(r.text, ""), a.Query(r.query))
		}
	}
}

// finds does what the engines do.
func finds(a *terms.Analyser, text, query string) bool {
	fields := a.Index(text, "")
	content, stop := strings.Fields(fields.Content), strings.Fields(fields.Stop)
	for _, term := range a.Query(query) {
		if slices.Contains(content, term.Text) || term.Stop && slices.Contains(stop, term.Text) {
			return true
		}
	}
	return false
}
