package terms

import "strings"

// otherWords stands in stopWords for languages without a stemmer, which are not told by them.
const otherWords = 1 << 31

// foreignStops are the bits of the languages in other scripts than those of the Analyser. Their stop words are none of its words, and a
// short question has too few of them to tell its language by.
func (a *Analyser) foreignStops() uint32 {
	bits := uint32(otherWords)
	for _, l := range all {
		foreign := true
		for _, own := range a.languages {
			foreign = foreign && own.script != l.script
		}
		if foreign {
			bits |= l.bit
		}
	}
	return bits
}

// questionWords are function words of languages in other scripts than the Latin one that have no stemmer: Hebrew, Greek, Persian, Urdu,
// Hindi, Ukrainian. They are left out of questions; documents keep them.
var questionWords = strings.Fields(`
של את על עם אל מן בין לא כן או אם כי אבל גם רק כל זה זו זאת אלה אלו הוא היא הם הן אני אתה אנחנו יש אין היה היתה הייתה יהיה מה מי איפה היכן
מתי איך כיצד למה מדוע כמה איזה איזו אילו האם לאן מאיפה עד לפני אחרי תחת כמו אשר כאשר לי לך לו לה לנו לכם להם אותו אותה אותם
ο η το οι τα του της των τον την στο στη στην στον στους στις στα με σε για από και ή ότι που πού πότε πώς πως τι ποιος ποια ποιο ποιοι ποιες
ποιον ποιους πόσο πόση πόσα πόσες πόσοι πόσων γιατί είναι ήταν θα να δεν μην μη αν αλλά ένα ένας μια μία αυτό αυτός αυτή αυτά κάθε ως κατά
μετά πριν μου σου μας σας τους
در به از که این آن را با برای است بود شد می و یا تا هم چه چی کی کجا چرا چند چگونه چطور کدام آیا هر هیچ بر بین اما اگر هست نیست شود شده باشد دارد
ہے ہیں تھا تھی تھے کا کے کو میں سے پر اور یہ وہ ایک اس جو کہ کیا کون کب کہاں کیوں کیسے کتنا کتنے کتنی کس نے بھی نہیں تو
है हैं था थी थे का की के को में से पर और या यह वह ये वे एक इस उस जो कि क्या कौन कब कहाँ कहां क्यों कैसे कितना कितनी कितने किस किसने किसे ने भी
नहीं तो ही हो होता होती होते तक लिए साथ
а але або без був була були було бути в ви від вона вони воно все всі для до де є же з за зі і із їх його її й коли куди який яка яке які якого
якої кого кому хто чи чим чому ми на над не ні по при про скільки та так також те той того то тому у хоча це цей ця цього цієї ці чого що щоб як`)
