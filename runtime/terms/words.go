package terms

import "strings"

// TitleBoost is what a word of the title counts for, beside the same word in the text. On Cranfield, whose texts repeat
// their titles, nDCG@10 is flat between 0.2 and 0.5 and falls beyond; docs/retrieval.md has the figures.
const TitleBoost = 0.3

// StopWords are the words that neither store indexes or looks for, in lower case: articles, pronouns, auxiliaries,
// prepositions, conjunctions and question words. The 33 that Lucene drops by default leave "what", "how" and "which" in
// a question, where they match every text that asks or explains something.
func StopWords() []string { return strings.Fields(englishFunctionWords) }

const englishFunctionWords = `
a an the this that these those such same
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves one
am is are was were be been being have has had having do does did doing
can cannot could may might must shall should will would ought
can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't shouldn't wasn't weren't won't wouldn't aren't
i'm i've i'd i'll you're you've you'd you'll he'd he'll she'd she'll we're we've we'd we'll they're they've they'd they'll
who whom whose which what when where why how whether
and or but nor if than then so because as while until unless though although
of at by for with without within about against between among into onto through throughout during before after above below to from
up down in out on off over under upon per via
again further once here there all any both each few more most other some no not only own too very also just
`
