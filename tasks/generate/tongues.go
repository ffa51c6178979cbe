package generate

// tongue is what the multilingual tasks say in one language. Counts stand after a colon
// ("livres : 12"), so that no noun, verb or adjective has to agree with them.
type tongue struct {
	code                      string // ISO 639-1
	colon, comma, stop, space string
	inDigits, sumInDigits     string
	days                      [7]string // Monday first
	things                    [12]thing // the same things in the same order in every language
	numeral                   func(int) string
}

// thing is one kind of thing: as a heading, and as the two questions asked of it.
type thing struct{ name, howMany, inAll string }

// tongues lists the languages: eight that MGSM has too, in four scripts.
var tongues = [...]tongue{
	{
		code: "en", colon: ": ", comma: ", ", stop: ".", space: " ",
		inDigits: "Write in digits", sumInDigits: "Write the sum of all these numbers in digits",
		days: [7]string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"},
		things: [12]thing{
			{"books", "How many books?", "How many books in total?"},
			{"cups", "How many cups?", "How many cups in total?"},
			{"chairs", "How many chairs?", "How many chairs in total?"},
			{"eggs", "How many eggs?", "How many eggs in total?"},
			{"tables", "How many tables?", "How many tables in total?"},
			{"balls", "How many balls?", "How many balls in total?"},
			{"bags", "How many bags?", "How many bags in total?"},
			{"cars", "How many cars?", "How many cars in total?"},
			{"pens", "How many pens?", "How many pens in total?"},
			{"flowers", "How many flowers?", "How many flowers in total?"},
			{"trees", "How many trees?", "How many trees in total?"},
			{"oranges", "How many oranges?", "How many oranges in total?"},
		},
		numeral: english,
	},
	{
		code: "de", colon: ": ", comma: ", ", stop: ".", space: " ",
		inDigits: "Schreibe in Ziffern", sumInDigits: "Schreibe die Summe aller dieser Zahlen in Ziffern",
		days: [7]string{"Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"},
		things: [12]thing{
			{"Bücher", "Wie viele Bücher?", "Wie viele Bücher insgesamt?"},
			{"Tassen", "Wie viele Tassen?", "Wie viele Tassen insgesamt?"},
			{"Stühle", "Wie viele Stühle?", "Wie viele Stühle insgesamt?"},
			{"Eier", "Wie viele Eier?", "Wie viele Eier insgesamt?"},
			{"Tische", "Wie viele Tische?", "Wie viele Tische insgesamt?"},
			{"Bälle", "Wie viele Bälle?", "Wie viele Bälle insgesamt?"},
			{"Taschen", "Wie viele Taschen?", "Wie viele Taschen insgesamt?"},
			{"Autos", "Wie viele Autos?", "Wie viele Autos insgesamt?"},
			{"Stifte", "Wie viele Stifte?", "Wie viele Stifte insgesamt?"},
			{"Blumen", "Wie viele Blumen?", "Wie viele Blumen insgesamt?"},
			{"Bäume", "Wie viele Bäume?", "Wie viele Bäume insgesamt?"},
			{"Orangen", "Wie viele Orangen?", "Wie viele Orangen insgesamt?"},
		},
		numeral: german,
	},
	{
		code: "fr", colon: " : ", comma: ", ", stop: ".", space: " ",
		inDigits: "Écris en chiffres", sumInDigits: "Écris en chiffres la somme de tous ces nombres",
		days: [7]string{"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"},
		things: [12]thing{
			{"livres", "Combien de livres ?", "Combien de livres en tout ?"},
			{"tasses", "Combien de tasses ?", "Combien de tasses en tout ?"},
			{"chaises", "Combien de chaises ?", "Combien de chaises en tout ?"},
			{"œufs", "Combien d'œufs ?", "Combien d'œufs en tout ?"},
			{"tables", "Combien de tables ?", "Combien de tables en tout ?"},
			{"ballons", "Combien de ballons ?", "Combien de ballons en tout ?"},
			{"sacs", "Combien de sacs ?", "Combien de sacs en tout ?"},
			{"voitures", "Combien de voitures ?", "Combien de voitures en tout ?"},
			{"stylos", "Combien de stylos ?", "Combien de stylos en tout ?"},
			{"fleurs", "Combien de fleurs ?", "Combien de fleurs en tout ?"},
			{"arbres", "Combien d'arbres ?", "Combien d'arbres en tout ?"},
			{"oranges", "Combien d'oranges ?", "Combien d'oranges en tout ?"},
		},
		numeral: french,
	},
	{
		code: "es", colon: ": ", comma: ", ", stop: ".", space: " ",
		inDigits: "Escribe en cifras", sumInDigits: "Escribe en cifras la suma de todos estos números",
		days: [7]string{"lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"},
		things: [12]thing{
			{"libros", "¿Cuántos libros?", "¿Cuántos libros en total?"},
			{"tazas", "¿Cuántas tazas?", "¿Cuántas tazas en total?"},
			{"sillas", "¿Cuántas sillas?", "¿Cuántas sillas en total?"},
			{"huevos", "¿Cuántos huevos?", "¿Cuántos huevos en total?"},
			{"mesas", "¿Cuántas mesas?", "¿Cuántas mesas en total?"},
			{"pelotas", "¿Cuántas pelotas?", "¿Cuántas pelotas en total?"},
			{"bolsas", "¿Cuántas bolsas?", "¿Cuántas bolsas en total?"},
			{"coches", "¿Cuántos coches?", "¿Cuántos coches en total?"},
			{"bolígrafos", "¿Cuántos bolígrafos?", "¿Cuántos bolígrafos en total?"},
			{"flores", "¿Cuántas flores?", "¿Cuántas flores en total?"},
			{"árboles", "¿Cuántos árboles?", "¿Cuántos árboles en total?"},
			{"naranjas", "¿Cuántas naranjas?", "¿Cuántas naranjas en total?"},
		},
		numeral: spanish,
	},
	{
		code: "zh", colon: "：", comma: "，", stop: "。", space: "",
		inDigits: "用阿拉伯数字写出", sumInDigits: "用阿拉伯数字写出下面所有数的和",
		days: [7]string{"星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"},
		things: [12]thing{
			{"书", "有多少本书？", "一共有多少本书？"},
			{"杯子", "有多少个杯子？", "一共有多少个杯子？"},
			{"椅子", "有多少把椅子？", "一共有多少把椅子？"},
			{"鸡蛋", "有多少个鸡蛋？", "一共有多少个鸡蛋？"},
			{"桌子", "有多少张桌子？", "一共有多少张桌子？"},
			{"球", "有多少个球？", "一共有多少个球？"},
			{"包", "有多少个包？", "一共有多少个包？"},
			{"汽车", "有多少辆汽车？", "一共有多少辆汽车？"},
			{"笔", "有多少支笔？", "一共有多少支笔？"},
			{"花", "有多少朵花？", "一共有多少朵花？"},
			{"树", "有多少棵树？", "一共有多少棵树？"},
			{"橙子", "有多少个橙子？", "一共有多少个橙子？"},
		},
		numeral: chinese,
	},
	{
		code: "ja", colon: "：", comma: "、", stop: "。", space: "",
		inDigits: "算用数字で書いてください", sumInDigits: "次の数の合計を算用数字で書いてください",
		days: [7]string{"月曜日", "火曜日", "水曜日", "木曜日", "金曜日", "土曜日", "日曜日"},
		things: [12]thing{
			{"本", "本は何冊ですか。", "本は全部で何冊ですか。"},
			{"カップ", "カップはいくつですか。", "カップは全部でいくつですか。"},
			{"いす", "いすはいくつですか。", "いすは全部でいくつですか。"},
			{"卵", "卵はいくつですか。", "卵は全部でいくつですか。"},
			{"机", "机はいくつですか。", "机は全部でいくつですか。"},
			{"ボール", "ボールはいくつですか。", "ボールは全部でいくつですか。"},
			{"かばん", "かばんはいくつですか。", "かばんは全部でいくつですか。"},
			{"車", "車は何台ですか。", "車は全部で何台ですか。"},
			{"ペン", "ペンは何本ですか。", "ペンは全部で何本ですか。"},
			{"花", "花は何本ですか。", "花は全部で何本ですか。"},
			{"木", "木は何本ですか。", "木は全部で何本ですか。"},
			{"オレンジ", "オレンジはいくつですか。", "オレンジは全部でいくつですか。"},
		},
		numeral: japanese,
	},
	{
		code: "ru", colon: ": ", comma: ", ", stop: ".", space: " ",
		inDigits: "Запиши цифрами", sumInDigits: "Запиши цифрами сумму всех этих чисел",
		days: [7]string{"понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"},
		things: [12]thing{
			{"книги", "Сколько книг?", "Сколько всего книг?"},
			{"чашки", "Сколько чашек?", "Сколько всего чашек?"},
			{"стулья", "Сколько стульев?", "Сколько всего стульев?"},
			{"яйца", "Сколько яиц?", "Сколько всего яиц?"},
			{"столы", "Сколько столов?", "Сколько всего столов?"},
			{"мячи", "Сколько мячей?", "Сколько всего мячей?"},
			{"сумки", "Сколько сумок?", "Сколько всего сумок?"},
			{"машины", "Сколько машин?", "Сколько всего машин?"},
			{"ручки", "Сколько ручек?", "Сколько всего ручек?"},
			{"цветы", "Сколько цветов?", "Сколько всего цветов?"},
			{"деревья", "Сколько деревьев?", "Сколько всего деревьев?"},
			{"апельсины", "Сколько апельсинов?", "Сколько всего апельсинов?"},
		},
		numeral: russian,
	},
	{
		code: "sw", colon: ": ", comma: ", ", stop: ".", space: " ",
		inDigits: "Andika kwa tarakimu", sumInDigits: "Andika kwa tarakimu jumla ya nambari hizi zote",
		days: [7]string{"Jumatatu", "Jumanne", "Jumatano", "Alhamisi", "Ijumaa", "Jumamosi", "Jumapili"},
		things: [12]thing{
			{"vitabu", "Vitabu vingapi?", "Jumla ni vitabu vingapi?"},
			{"vikombe", "Vikombe vingapi?", "Jumla ni vikombe vingapi?"},
			{"viti", "Viti vingapi?", "Jumla ni viti vingapi?"},
			{"mayai", "Mayai mangapi?", "Jumla ni mayai mangapi?"},
			{"meza", "Meza ngapi?", "Jumla ni meza ngapi?"},
			{"mipira", "Mipira mingapi?", "Jumla ni mipira mingapi?"},
			{"mifuko", "Mifuko mingapi?", "Jumla ni mifuko mingapi?"},
			{"magari", "Magari mangapi?", "Jumla ni magari mangapi?"},
			{"kalamu", "Kalamu ngapi?", "Jumla ni kalamu ngapi?"},
			{"maua", "Maua mangapi?", "Jumla ni maua mangapi?"},
			{"miti", "Miti mingapi?", "Jumla ni miti mingapi?"},
			{"machungwa", "Machungwa mangapi?", "Jumla ni machungwa mangapi?"},
		},
		numeral: swahili,
	},
}
