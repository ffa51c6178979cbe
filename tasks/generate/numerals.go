package generate

import "strings"

// The functions here write n in [1, 9999] in words. numerals_test.go holds cases from each
// language's grammar.

var (
	enOnes = strings.Fields("- one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	enTens = strings.Fields("- - twenty thirty forty fifty sixty seventy eighty ninety")
)

func english(n int) string {
	var w []string
	if n >= 1000 {
		w = append(w, enOnes[n/1000], "thousand")
	}
	if n %= 1000; n >= 100 {
		w = append(w, enOnes[n/100], "hundred")
	}
	switch n %= 100; {
	case n == 0:
	case n < 20:
		w = append(w, enOnes[n])
	case n%10 == 0:
		w = append(w, enTens[n/10])
	default:
		w = append(w, enTens[n/10]+"-"+enOnes[n%10])
	}
	return strings.Join(w, " ")
}

var (
	deOnes = strings.Fields("- ein zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn neunzehn")
	deTens = strings.Fields("- - zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig")
)

func german(n int) string {
	var b strings.Builder
	if n >= 1000 {
		b.WriteString(deOnes[n/1000] + "tausend")
	}
	if n %= 1000; n >= 100 {
		b.WriteString(deOnes[n/100] + "hundert")
	}
	switch n %= 100; {
	case n == 0:
	case n == 1:
		b.WriteString("eins")
	case n < 20:
		b.WriteString(deOnes[n])
	case n%10 == 0:
		b.WriteString(deTens[n/10])
	default:
		b.WriteString(deOnes[n%10] + "und" + deTens[n/10])
	}
	return b.String()
}

var (
	frOnes = strings.Fields("- un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf")
	frTens = strings.Fields("- - vingt trente quarante cinquante soixante soixante quatre-vingt quatre-vingt")
)

// french writes hyphens within the tens only, as schoolbooks did before 1990 and most texts do.
func french(n int) string {
	var w []string
	if n >= 1000 {
		if n >= 2000 {
			w = append(w, frOnes[n/1000])
		}
		w = append(w, "mille")
	}
	if n %= 1000; n >= 100 {
		switch {
		case n < 200:
			w = append(w, "cent")
		case n%100 == 0:
			w = append(w, frOnes[n/100], "cents")
		default:
			w = append(w, frOnes[n/100], "cent")
		}
	}
	n %= 100
	tens, ones := n/10, n%10
	if tens == 7 || tens == 9 {
		ones += 10
	}
	switch {
	case n == 0:
	case n < 20:
		w = append(w, frOnes[n])
	case n == 80:
		w = append(w, "quatre-vingts")
	case ones == 0:
		w = append(w, frTens[tens])
	case (ones == 1 || ones == 11) && tens < 8:
		w = append(w, frTens[tens], "et", frOnes[ones])
	default:
		w = append(w, frTens[tens]+"-"+frOnes[ones])
	}
	return strings.Join(w, " ")
}

var (
	esOnes = strings.Fields("- uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis diecisiete dieciocho diecinueve" +
		" veinte veintiuno veintidós veintitrés veinticuatro veinticinco veintiséis veintisiete veintiocho veintinueve")
	esTens     = strings.Fields("- - - treinta cuarenta cincuenta sesenta setenta ochenta noventa")
	esHundreds = strings.Fields("- ciento doscientos trescientos cuatrocientos quinientos seiscientos setecientos ochocientos novecientos")
)

func spanish(n int) string {
	var w []string
	if n >= 1000 {
		if n >= 2000 {
			w = append(w, esOnes[n/1000])
		}
		w = append(w, "mil")
	}
	if n %= 1000; n == 100 {
		return strings.Join(append(w, "cien"), " ")
	}
	if n >= 100 {
		w = append(w, esHundreds[n/100])
	}
	switch n %= 100; {
	case n == 0:
	case n < 30:
		w = append(w, esOnes[n])
	case n%10 == 0:
		w = append(w, esTens[n/10])
	default:
		w = append(w, esTens[n/10], "y", esOnes[n%10])
	}
	return strings.Join(w, " ")
}

var hanDigits = []string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"}

// chinese says 零 once for a run of zeros within the number, and 十 without 一 only at the beginning.
func chinese(n int) string {
	var b strings.Builder
	gap := false
	for _, p := range []struct {
		value int
		unit  string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / p.value % 10
		if d == 0 {
			gap = b.Len() > 0
			continue
		}
		if gap {
			b.WriteString("零")
			gap = false
		}
		if !(d == 1 && p.value == 10 && b.Len() == 0) {
			b.WriteString(hanDigits[d])
		}
		b.WriteString(p.unit)
	}
	return b.String()
}

// japanese says no zero, and no 一 before 千, 百 and 十.
func japanese(n int) string {
	var b strings.Builder
	for _, p := range []struct {
		value int
		unit  string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / p.value % 10
		if d == 0 {
			continue
		}
		if d > 1 || p.value == 1 {
			b.WriteString(hanDigits[d])
		}
		b.WriteString(p.unit)
	}
	return b.String()
}

var (
	ruOnes = strings.Fields("- один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать" +
		" пятнадцать шестнадцать семнадцать восемнадцать девятнадцать")
	ruTens     = strings.Fields("- - двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто")
	ruHundreds = strings.Fields("- сто двести триста четыреста пятьсот шестьсот семьсот восемьсот девятьсот")
)

func russian(n int) string {
	var w []string
	switch k := n / 1000; {
	case k == 0:
	case k == 1:
		w = append(w, "одна", "тысяча")
	case k == 2:
		w = append(w, "две", "тысячи")
	case k < 5:
		w = append(w, ruOnes[k], "тысячи")
	default:
		w = append(w, ruOnes[k], "тысяч")
	}
	if n %= 1000; n >= 100 {
		w = append(w, ruHundreds[n/100])
	}
	if n %= 100; n >= 20 {
		w = append(w, ruTens[n/10])
		n %= 10
	}
	if n > 0 {
		w = append(w, ruOnes[n])
	}
	return strings.Join(w, " ")
}

var (
	swOnes = strings.Fields("- moja mbili tatu nne tano sita saba nane tisa")
	swTens = strings.Fields("- kumi ishirini thelathini arobaini hamsini sitini sabini themanini tisini")
)

// swahili joins the last part with "na".
func swahili(n int) string {
	var w []string
	if n >= 1000 {
		w = append(w, "elfu "+swOnes[n/1000])
	}
	if n %= 1000; n >= 100 {
		w = append(w, "mia "+swOnes[n/100])
	}
	if n %= 100; n >= 10 {
		w = append(w, swTens[n/10])
	}
	if n %= 10; n > 0 {
		w = append(w, swOnes[n])
	}
	if len(w) == 1 {
		return w[0]
	}
	return strings.Join(w[:len(w)-1], " ") + " na " + w[len(w)-1]
}
