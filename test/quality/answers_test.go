package quality

import (
	"strings"
	"testing"

	"github.com/ragservice/ragservice-operator/runtime/rag"
)

// filler are documents that have nothing to do with the questions.
var filler = []rag.Document{
	{ID: "filler-1", Text: "The garden has roses and a pond. Fish live in the pond, and frogs sing there at night."},
	{ID: "filler-2", Text: "A bicycle has two wheels. Its chain wants oil in spring, and its brakes want care."},
	{ID: "filler-3", Text: "Bread is made of flour, water and salt. It rises for a night before it is baked."},
}

// prices are CSV with many rows, to which the one that is asked for is added.
func prices() string {
	var rows strings.Builder
	rows.WriteString("item,name,price\n")
	for i := range 120 {
		rows.WriteString("PX-" + string(rune('1'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10)) + ",part,1" + string(rune('0'+i%7)) + ".50\n")
	}
	return rows.String()
}

// kinds are texts that an answer used to be wrong about.
var kinds = []struct {
	name, text, question string
	// want is the quote of the only citation, said the answer without its marker when it is not the quote.
	want, said string
}{
	{name: "heading without a blank line", question: "How many days of paid leave does an employee have?",
		text: "# Leave\nEvery employee has 30 days of paid leave a year.\n# Office\n\nThe office in Bonn opens at nine and paid parking is near.\n",
		want: "Every employee has 30 days of paid leave a year."},
	{name: "CRLF", question: "How many days of paid leave does an employee have?",
		text: "# Leave\r\nEvery employee has 30 days of paid leave a year.\r\n# Office\r\n\r\nThe office in Bonn opens at nine and paid parking is near.\r\n",
		want: "Every employee has 30 days of paid leave a year."},
	{name: "Setext headings", question: "How many days of paid leave does an employee have?",
		text: "Leave\n=====\nEvery employee has 30 days of paid leave a year.\n\nOffice\n------\nThe office in Bonn opens at nine and paid parking is near.\n",
		want: "Every employee has 30 days of paid leave a year."},
	{name: "a question and its answer in other words", question: "How long is the warranty?",
		text: "Q: How long is the warranty?\nA: Five years.\n\nQ: Who repairs it?\nA: Any dealer.\n",
		want: "Q: How long is the warranty?\nA: Five years.", said: "Q: How long is the warranty? A: Five years."},
	{name: "an Arabic question and its answer in other words", question: "متى يفتح المكتب؟",
		text: "متى يفتح المكتب؟ في الثامنة.\n", want: "متى يفتح المكتب؟ في الثامنة."},
	{name: "a number sign is no heading", question: "What is the rule about passwords?", text: "#1 rule is that passwords are never shared.\n\nGuests get a badge at the desk.\n", want: "#1 rule is that passwords are never shared."},
	{name: "Japanese", question: "有給休暇は何日ですか？", text: "# 休暇\n\n有給休暇は年に二十日です。申請は一週間前までに行ってください。\n\n# VPN\n\nVPN への接続には社員証と PIN が必要です。\n", want: "有給休暇は年に二十日です。"},
	{name: "Chinese", question: "带薪年假有多少天？", text: "带薪年假每年二十天。申请必须提前一周提交。办公室位于柏林。", want: "带薪年假每年二十天。"},
	{name: "Hindi", question: "वार्षिक अवकाश कितने दिन का है?", text: "वार्षिक अवकाश बीस दिन का है। कार्यालय नौ बजे खुलता है।", want: "वार्षिक अवकाश बीस दिन का है।"},
	{name: "Hebrew with marks of direction", question: "כמה ימי חופשה מקבל עובד?", text: "\u200fכל עובד מקבל עשרים ימי חופשה.\u200f המשרד נפתח בתשע.\u200f", want: "כל עובד מקבל עשרים ימי חופשה."},
	{name: "a short Russian question", question: "Какой порт?", text: "Сервер слушает все интерфейсы машины. Порт 8080. Другой адрес может быть выбран оператором.", want: "Порт 8080."},
	{name: "a Hebrew question with articles", question: "מה הפורט של דואר?", text: "| שירות | פורט |\n|---|---|\n| דואר | 25 |\n| אתר | 80 |\n", want: "| דואר | 25 |", said: "שירות: דואר, פורט: 25"},
	{name: "Thai", question: "พนักงานมีวันลาพักร้อนกี่วัน", text: "# การลา\n\nพนักงานมีวันลาพักร้อนสามสิบวันต่อปี\n\n# สำนักงาน\n\nสำนักงานเปิดเวลาเก้าโมง\n", want: "พนักงานมีวันลาพักร้อนสามสิบวันต่อปี"},
	{name: "a sentence that begins with code", question: "What sets the address of the API?", text: "It listens on a port. `--listen` sets the address of the API. The address of the office is Bonn.", want: "`--listen` sets the address of the API."},
	{name: "a table row", question: "Which port does redis use?", text: "## Ports\n\n| Service | Port |\n|---|---|\n| redis | 6379 |\n| smtp | 25 |\n\nEvery port of a service can be changed in the manifest.\n", want: "| redis | 6379 |", said: "Service: redis, Port: 6379"},
	{name: "a table row beside a sentence about its columns", question: "What is the price of the Team plan?", text: "| Plan | Price | Seats |\n|---|---|---|\n| Basic | 9 € | 1 |\n| Team | 49 € | 10 |\n\nThe price of each plan includes support.\n", want: "| Team | 49 € | 10 |", said: "Plan: Team, Price: 49 €, Seats: 10"},
	{name: "a table between rules", question: "Welchen Port hat redis?", text: "=======  ====\nDienst   Port\n=======  ====\nredis    6379\nmail     25\n=======  ====\n", want: "redis    6379", said: "Dienst Port: redis 6379"},
	{name: "a minus", question: "What is the lowest operating temperature of the sensor?", text: "The sensor is made for cold rooms and outdoor use. -40 °C is the lowest operating temperature of the sensor.", want: "-40 °C is the lowest operating temperature of the sensor."},
	{name: "an option", question: "Which option overwrites files without asking?", text: "Files are kept by default. --force overwrites files without asking.", want: "--force overwrites files without asking."},
	{name: "abbreviations", question: "When are appointments with Dr. Smith?", text: "Appointments with Dr. Smith are on Mondays, e.g. at nine. A visit costs approx. 45 euros.", want: "Appointments with Dr. Smith are on Mondays, e.g. at nine."},
	{name: "an abbreviation before a number", question: "What does a visit cost?", text: "Appointments with Dr. Smith are on Mondays. A visit costs approx. 45 euros.", want: "A visit costs approx. 45 euros."},
	{name: "CSV", question: "price of PX-942", text: prices() + "PX-942,valve,19.90\n", want: "PX-942,valve,19.90", said: "item: PX-942, name: valve, price: 19.90"},
	{name: "CSV with semicolons and decimal commas", question: "Preis von AX-255", text: "Artikel;Preis\nAX-253;75,50\nAX-254;76,50\nAX-255;77,50\nAX-256;78,50\n", want: "AX-255;77,50", said: "Artikel: AX-255, Preis: 77,50"},
	{name: "CSV of whole numbers", question: "price of bolt-142", text: "item,price\nbolt-140,280\nbolt-141,282\nbolt-142,284\n", want: "bolt-142,284", said: "item: bolt-142, price: 284"},
	{name: "values between bars", question: "price of Z142", text: "item|price\nZ141|282\nZ142|284\nZ143|286\n", want: "Z142|284", said: "item: Z142, price: 284"},
	{name: "sections of a configuration", question: "What is the port of admin?", text: "[server]\nport=8080\n\n[admin]\nport=9090\n", want: "port=9090", said: "admin: port=9090"},
	{name: "columns of a program", question: "Who is the owner of smtp?", text: "SERVICE   PORT   OWNER\nredis     6379   anna\nsmtp      25     bert\nhttp      80     carl\n", want: "smtp      25     bert", said: "SERVICE PORT OWNER: smtp 25 bert"},
	{name: "JSON", question: "What is the number of the Burundi franc?", text: `{"codes": [` + strings.Repeat(`{"code": "ALL", "name": "Lek", "number": "008"}, `, 30) + `{"code": "BIF", "name": "Burundi Franc", "number": "108"}]}`,
		want: `{"code": "BIF", "name": "Burundi Franc", "number": "108"}`, said: `codes: {"code": "BIF", "name": "Burundi Franc", "number": "108"}`},
	{name: "JSON with escapes", question: "price of Öl", text: `[{"name": "K\u00e4se", "price": 5}, {"name": "\u00d6l", "price": 7}]`, want: `[{"name": "K\u00e4se", "price": 5}, {"name": "\u00d6l", "price": 7}]`, said: `[{"name": "Käse", "price": 5}, {"name": "Öl", "price": 7}]`},
	{name: "YAML", question: "Which image does the db service run?", text: "services:\n  web:\n    image: nginx:1.29\n    ports:\n      - 80:80\n  db:\n    image: redis:8\n", want: "image: redis:8", said: "services > db: image: redis:8"},
	{name: "a poem", question: "Where does the river sleep?", text: "The river sleeps beneath the hill,\nThe moon is white and all is still,\nThe miller turns his heavy wheel,\nAnd nobody will hear the mill.\n", want: "The river sleeps beneath the hill,\nThe moon is white and all is still,\nThe miller turns his heavy wheel,\nAnd nobody will hear the mill."},
	{name: "a short numbered list", question: "How do I restart the printer?", text: "To restart the printer:\n\n1. Hold the button.\n2. Wait for the lamp.\n\nThe office has two rooms.", want: "To restart the printer:\n\n1. Hold the button.\n2. Wait for the lamp.", said: "To restart the printer: 1. Hold the button. 2. Wait for the lamp."},
	{name: "a setting", question: "MAX_UPLOAD?", text: "# The most that a user may send.\nMAX_UPLOAD = 8M\n\n# The name of the site.\nSITE = example\n\n# The language.\nLANG = en\n", want: "MAX_UPLOAD = 8M", said: "The most that a user may send. MAX_UPLOAD = 8M"},
	{name: "what is introduced", question: "How do I check whether the scanner was found?", text: "To check whether the scanner was found:\n\n" + strings.Repeat("Lamps are lit while it works, and go out when it is done with all of the pages. ", 1) + "\n\nCoffee is on the second floor.",
		want: "To check whether the scanner was found:\n\nLamps are lit while it works, and go out when it is done with all of the pages."},
	{name: "nothing in common", question: "Who painted the ceiling of the chapel?", text: "Every employee has 30 days of leave. The office opens at nine."},
	{name: "a word in common", question: "How large may a zeppelin of the navy be?", text: "The navy of the town has one boat. The office opens at nine."},
}

// TestAnswersOfKinds asks through the pipeline and a real store.
func TestAnswersOfKinds(t *testing.T) {
	t.Parallel()
	for _, test := range kinds {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			set := QuestionSet{Documents: append([]rag.Document{{ID: "d", Text: test.text}}, filler...), Questions: []AnsweredQuestion{{Text: test.question}}}
			got := answerAll(t, openEmbedded(t), set)[0]
			if test.want == "" {
				if got.Answer != rag.NothingFound || len(got.Cited) != 0 {
					t.Fatalf("answered %q, citing %v", got.Answer, got.Cited)
				}
				return
			}
			if len(got.Cited) != 1 || got.Cited[0].Quote != test.want || got.Cited[0].Marker != 1 {
				t.Fatalf("cited %+v, want one: %q", got.Cited, test.want)
			}
			if span := got.Cited[0].Span; string([]rune(test.text)[span.Start:span.End]) != test.want {
				t.Errorf("the span %v is not of the quote", span)
			}
			said := test.said
			if said == "" {
				said = strings.Join(strings.Fields(test.want), " ")
			}
			if got.Answer != said+" [1]" {
				t.Errorf("answered %q, want %q", got.Answer, said+" [1]")
			}
		})
	}
}

// A short fact is the answer although a longer sentence has more of the words.
func TestShortFactIsAnswered(t *testing.T) {
	t.Parallel()
	set := QuestionSet{
		Documents: append([]rag.Document{{ID: "d", Text: "The server listens on all interfaces of the machine by default. The port is 8080. A different port may be chosen in the manifest by the operator."}}, filler...),
		Questions: []AnsweredQuestion{{Text: "What is the port?"}},
	}
	got := answerAll(t, openEmbedded(t), set)[0]
	if len(got.Cited) == 0 || !strings.Contains(got.Answer, "The port is 8080.") {
		t.Errorf("answered %q", got.Answer)
	}
}
