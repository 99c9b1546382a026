package terms

import (
	"strings"

	"golang.org/x/text/cases"
)

// stopWords gives for each stop word the bits of the languages that it is one of. They are folded in case, and serve to tell
// a language too.
var stopWords = func() map[string]uint32 {
	bits := map[string]uint32{}
	for _, l := range all {
		for word := range strings.FieldsSeq(functionWords[l.code]) {
			bits[word] |= l.bit
		}
	}
	for _, word := range questionWords {
		bits[cases.Fold().String(word)] |= otherWords
	}
	return bits
}()

// functionWords are, for each language, the words that say nothing about a subject: articles, pronouns, auxiliaries,
// prepositions, conjunctions and question words. Question words are among them because they stand in every text that asks
// or explains something: a question about nothing in the index would find something all the same.
var functionWords = map[string]string{
	"ar": `
في من إلى الى على عن مع هذا هذه ذلك تلك هؤلاء الذي التي الذين ما ماذا متى أين اين كيف كم هل لماذا أي اي من هو هي هم هن أنا انا
نحن أنت انت كان كانت يكون تكون ليس ليست لا لم لن قد لقد أن ان إن إذا اذا لو ثم أو او و أم بل لكن كل بعض غير بين بعد قبل عند
منذ حتى حول خلال ضد أيضا ايضا فقط كما لدى لها له لهم به بها فيه فيها عليه عليها منه منها`,
	"da": `
af alle alt at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter eller en end er et for fra ham
han hans har havde have hende hendes her hos hun hvad hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor hvornår i ikke ind
jeg jer kan kunne man mange med meget men mig min mod må ned nogen noget nogle nu når og også om op os over på selv sig skal
skulle som sådan thi til ud under var ved vi vil ville vor være været`,
	"de": `
aber alle allem allen aller alles als also am an andere anderen auch auf aus bei beim bin bis bist da damit dann das dass dein deine
dem den denn der des deshalb dessen dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen
einer eines er es etwas euch euer für gegen gibt hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem
ihren ihrer im in indem ins ist ja jede jedem jeden jeder jedes jene kann kein keine keinem keinen könnte können man manche mein
meine mich mir mit muss müssen nach nein nicht nichts noch nun nur ob oder ohne sehr sein seine seinem seinen seiner seit selbst
sich sie sind so solche soll sollte sondern sonst über um und uns unser unsere unter viel viele vom von vor wann war waren warum
was weil welche welchem welchen welcher welches wenn wer werde werden wessen wie wieder wird wir wo woher wohin wollen worden
wurde wurden während zu zum zur zwar zwischen wem wen wieviel darf dürfen`,
	"en": `
a an the this that these those such same
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves one
am is are was were be been being have has had having do does did doing
can cannot could may might must shall should will would ought
can't couldn't didn't doesn't don't hadn't hasn't haven't isn't mustn't shouldn't wasn't weren't won't wouldn't aren't
i'm i've i'd i'll you're you've you'd you'll he'd he'll he's she'd she'll she's it's it'll we're we've we'd we'll they're they've they'd
they'll that's there's what's who's where's how's let's
who whom whose which what when where why how whether
and or but nor if than then so because as while until unless though although
of at by for with without within about against between among into onto through throughout during before after above below to from
up down in out on off over under upon per via
again further once here there all any both each few more most other some no not only own too very also just`,
	"es": `
a al algo alguna algunas alguno algunos ante antes aquel aquella aquello aquí así aunque cada como con contra cual cuales cuando cuánto
cuántos cuánta cuántas cuál cuáles cuándo cómo de del desde donde dónde dos durante e el ella ellas ellos en entre era eran es esa
esas ese eso esos esta estaba está están estas este esto estos estoy fue fueron ha han hasta hay he la las le les lo los me mi mis
mucho muchos muy más ni no nos nosotros nuestra nuestro o otra otro otros para pero poco por porque qué que quien quién quiénes se sea
según ser si sí sido sin sobre son su sus también tan tanto te tiene tienen toda todas todo todos tu tus un una unas uno unos y ya yo
puede pueden debe deben había`,
	"fi": `
ei eikä en eivät ehkä että he hän hänen häntä ja jo joka jossa jota jotka jos josta joten kaikki kanssa koska kuka kuin kuinka kun
kuten me mihin mikä miksi milloin mille millä missä mistä mitä mitkä montako mukaan mutta myös ne niiden niin nyt nämä ole olemme olen olet
oli olisi olivat olla on ovat paljonko se sekä sen siellä siinä sille sitä te tai tuo tämä tämän tätä vaan vai vain voi voivat`,
	"fr": `
a ai alors au aucun aussi autre autres aux avait avec avez avoir avons c ce cela celle celui ces cet cette ceux chaque ci combien comme
comment d dans de des donc dont du elle elles en encore entre est et eu eux fait faut furent il ils j je l la le les leur leurs lors
lui m ma mais me mes moi mon même n ne ni nos notre nous on ont ou où par pas pendant peu peut peuvent plus pour pourquoi puis qu quand
que quel quelle quelles quels qui quoi s sa sans se sera ses si sien soit son sont sous sur t ta te tes ton tous tout toute toutes
très tu un une vers vos votre vous y à ça étaient était été être doit doivent chez quelque`,
	"ga": `
a ach ag agus an aon ar as atá ba bhfuil bhí bí cad cá cathain cé céard chuig chun cén conas d'fhág de den do don dá é eile faoi féin
gach gan go gur i iad idir in inti is isteach le leis linn mar mé mo muid na nach ní níl níor nuair nó ná óna ó ós roimh sa sé seo sin
sna sí tá tar trí tú um áit`,
	"hu": `
a abban ahhoz ahogy aki akik akkor alatt ami amely amelyek amikor az azok azon azt azért be belül ben csak de e ebben egy egyes egyik
ehhez ekkor el ennek és ez ezek ezen ezért ezt fel hanem ha hogy hol hogyan hová honnan illetve is itt ki kell között közül le legyen
lehet lesz ma még mely melyek melyik meg mennyi mert mi miatt mikor milyen mind minden mint mit már nagyon ne nem nincs olyan ott össze
pedig s saját sem szerint számára után vagy vagyok való van vannak volt voltak által át előtt ő ők úgy így hány miért`,
	"it": `
a abbia ad agli ai al alla alle allo anche ancora avere aveva c che chi ci cioè col come con contro cosa cui da dagli dai dal dalla
dalle dallo degli dei del dell della delle dello di dopo dove due dunque e ed entro era erano essere fa fra gli ha hai hanno ho i il in
io l la le lei li lo loro lui ma me mentre mi mia mio molto ne negli nei nel nell nella nelle nello noi non nostra nostro o ogni oltre
per perché però più poi prima qual quale quali quando quanta quante quanti quanto quella quelle quelli quello questa queste questi
questo qui se senza si sia siamo solo sono sopra sotto sta stato su sua sue sugli sui sul sulla sulle suo suoi tra tu tua tuo tutti
tutto un una uno va vi viene voi è può possono deve devono c'è dov'è com'è`,
	"nl": `
aan al alle als altijd andere ben bij daar dan dat de der deze die dit doch doen door dus een en er ge geen geweest haar had heb hebben
heeft hem het hier hij hoe hoeveel hun ik in is ja je kan kon kunnen maar me meer men met mij mijn moet moeten na naar niet niets nog nu of
om omdat onder ons onze ook op over reeds te tegen toch toen tot u uit uw van veel voor waar waarom wanneer want waren was wat welk
welke werd wezen wie wil worden wordt wij we ze zal zelf zich zij zijn zo zonder zou`,
	"nb": `
alle at av bare ble blei bli blir da de dem den denne der dere deres det dette di din disse du eller en enn er et ett etter for fra før
ha hadde han hans har hennes her hos hun hva hvem hvilke hvilken hvilket hvis hvor hvordan hvorfor i ikke ingen inn jeg kan kunne
man mange med meg men mer min mot mye må når nå noe noen og også om opp oss over på seg selv skal skulle slik som så til ut under var
ved vi vil ville være vært vår`,
	"pt": `
a à ao aos aquela aquele aquilo as às até cada com como da das de dela dele deles depois do dos e é ela elas ele eles em entre era eram
essa essas esse esses esta está estão estas estava este estes eu foi foram há isso isto já la lhe lhes mais mas me mesmo meu meus minha
muito muitos na não nas nem no nos nossa nosso num numa o onde os ou para pela pelas pelo pelos por porque porquê pode podem qual quais
quando quanta quantas quanto quantos que quê quem se seja sem ser seu seus será só sob sobre sua suas são também te tem têm teu tinha toda
todas todo todos tu um uma umas uns você vocês deve devem`,
	"ro": `
a acea aceasta această aceea acei aceia acel acela acele acest acesta aceste acestea acestor acolo ai aici al ale alt alte am ar are as
asta atunci au avea avem aveți ca care câte cât câți când ce cel cele celor că ce cei cine către cu cum dacă dar de decât deci deși din
după ea ei el ele era erau este eu există fi fie fiecare fost iar îi îl în între la le li lor lui mai mea meu mult multe mulți nici
nu o ori pe pentru peste poate pot prin sa să sale sau se sunt și ți toate tot toți tu un una unde unei unor unui unul vă vom vor
voi trebuie`,
	"ru": `
а без более был была были было быть в вам вас ваш во вот все всё всего всех вы где да для до его ее её если есть еще ещё же за зачем здесь и
из или им их к как какая какие каким какое какой когда кого ком который которая которые которых кто куда ли лишь между меня мне может можно мой
мы на над надо нас не него нее неё нет ни них но ну о об один он она они оно от откуда очень по под после потому почему при про раз с сам со
сколько так также такой там те тем то того тоже только том тот ту ты у уже хотя чего чей чем через что чтобы чья эта эти это этого этой этом
этот я должен должна должны`,
	"sv": `
alla allt att av bara blev bli blir de dem den denna deras dess dessa det detta dig din du där då efter ej eller en er ett finns från för ha
hade han hans har henne hennes hon honom hur här i icke ingen inom inte jag ju kan kunde man med mellan men mig min mot mycket många
måste ni nu när och också om oss på samma sedan sig sin sina ska skulle som så sådan till under upp ut utan vad var vara varför varit
varje vars vem vi vid vilka vilken vilket vill är åt över`,
	"ta": `
ஒரு என்று மற்றும் இந்த இது என்ற கொண்டு என்பது பல ஆகும் அல்லது அவர் நான் உள்ள அந்த இவர் என முதல் என்ன இருந்து சில என் போன்ற
வேண்டும் வந்து இதன் அது அவன் தான் பலரும் என்னும் மேலும் பின்னர் கொண்ட இருக்கும் தனது உள்ளது போது என்றும் அதன் தன் பிறகு
அவர்கள் வரை அவள் நீ ஆகிய இருந்தது உள்ளன வந்த இருந்த மிகவும் இங்கு மீது ஓர் இவை இந்தக் பற்றி வரும் வேறு இரு இதில் போல் இப்போது
அவரது மட்டும் இந்தப் எனும் மேல் பின் சேர்ந்த ஆகியோர் எனக்கு இன்னும் அந்தப் அன்று ஒரே மிக அங்கு பல்வேறு விட்டு பெரும் அதை
எங்கே எப்போது எப்படி ஏன் யார் எத்தனை எவ்வளவு எது எந்த`,
	"tr": `
acaba altı ama ancak artık aslında az bana bazı belki ben beni benim bir biri birkaç birçok biz bize bizi bizim bu buna bunda bundan bunu
bunun burada böyle çok çünkü da daha de defa değil diğer diye dolayı en fakat gibi göre hangi hangisi hem henüz hep hepsi her herhangi hiç
için ile ilgili ise işte kaç kadar kendi ki kim kimse mi mı mu mü nasıl ne neden nedir nerde nerede nereye niye niçin o olan olarak oldu
olduğu olduğunu olmak olması olur on ona ondan onlar onu onun orada oysa pek rağmen sadece sanki şey siz sizin sonra şu tarafından tüm var
vardır ve veya ya yani yerine yok zaten midir`,
}

// stopPairs are the pairs and single characters of scripts without spaces that are grammar, or parts of question words.
var stopPairs = func() map[string]bool {
	set := map[string]bool{}
	for pair := range strings.FieldsSeq(grammarPairs) {
		set[pair] = true
	}
	return set
}()

const grammarPairs = `
です ます ませ せん まし した して する され れる れた ない なく なる なり なっ った って いる いて いま ある あり から まで まで など
これ それ あれ この その あの どの どれ どこ こと もの ため よう とき では には とは ので のか すか たい たり だっ だけ でも とし しま
いう うか れば られ らな なら くだ ださ さい てく どう どう うや やっ なに いつ だれ なぜ いく くつ くら らい ください おり しい える
何で 何が 何を 何の 何時 何日 何人 何年 誰が いつ
的 了 是 在 和 与 或 也 都 吗 呢 吧 啊 着 过 被 把 就 这 那 哪 谁 几 之 其 及 等 个 么 嗎 與 還 個 這 麼 什么 什麼 怎么 怎麼 怎样 怎樣 多少 如何 为何
為何 为什 為什 哪里 哪裡 哪些 哪个 哪個 这个 那个 这些 那些 我们 你们 他们 她们 是否 可以 我 你 他 她 它 您 请 請 问 問
은 는 이 가 을 를 의 에 와 과 도 로 및 그 저 것 수 등 니까 입니 니다 합니 습니 습까 있습 있나 나요 까요 하는 하고 에서 으로 에게 무엇 무슨 어떤 어떻 떻게
어디 언제 누구 얼마 얼마 마나 몇 왜 은가 는가 인가 있는 이다 한다 하여 되는 됩니`
