package generate

import "testing"

func TestNumerals(t *testing.T) {
	for _, tt := range []struct {
		language string
		n        int
		want     string
	}{
		{"en", 13, "thirteen"}, {"en", 40, "forty"}, {"en", 47, "forty-seven"}, {"en", 100, "one hundred"}, {"en", 9012, "nine thousand twelve"},
		{"de", 1, "eins"}, {"de", 16, "sechzehn"}, {"de", 17, "siebzehn"}, {"de", 21, "einundzwanzig"}, {"de", 30, "dreißig"}, {"de", 101, "einhunderteins"}, {"de", 1234, "eintausendzweihundertvierunddreißig"},
		{"fr", 21, "vingt et un"}, {"fr", 22, "vingt-deux"}, {"fr", 71, "soixante et onze"}, {"fr", 75, "soixante-quinze"}, {"fr", 80, "quatre-vingts"}, {"fr", 81, "quatre-vingt-un"}, {"fr", 91, "quatre-vingt-onze"}, {"fr", 99, "quatre-vingt-dix-neuf"}, {"fr", 200, "deux cents"}, {"fr", 280, "deux cent quatre-vingts"}, {"fr", 1000, "mille"}, {"fr", 2001, "deux mille un"}, {"fr", 3200, "trois mille deux cents"},
		{"es", 16, "dieciséis"}, {"es", 22, "veintidós"}, {"es", 31, "treinta y uno"}, {"es", 100, "cien"}, {"es", 101, "ciento uno"}, {"es", 500, "quinientos"}, {"es", 1100, "mil cien"}, {"es", 7900, "siete mil novecientos"},
		{"zh", 10, "十"}, {"zh", 15, "十五"}, {"zh", 20, "二十"}, {"zh", 101, "一百零一"}, {"zh", 110, "一百一十"}, {"zh", 1001, "一千零一"}, {"zh", 1010, "一千零一十"}, {"zh", 7907, "七千九百零七"}, {"zh", 9999, "九千九百九十九"},
		{"ja", 10, "十"}, {"ja", 11, "十一"}, {"ja", 110, "百十"}, {"ja", 1001, "千一"}, {"ja", 7907, "七千九百七"},
		{"ru", 11, "одиннадцать"}, {"ru", 40, "сорок"}, {"ru", 90, "девяносто"}, {"ru", 242, "двести сорок два"}, {"ru", 1001, "одна тысяча один"}, {"ru", 2000, "две тысячи"}, {"ru", 5016, "пять тысяч шестнадцать"},
		{"sw", 8, "nane"}, {"sw", 11, "kumi na moja"}, {"sw", 47, "arobaini na saba"}, {"sw", 100, "mia moja"}, {"sw", 325, "mia tatu ishirini na tano"}, {"sw", 1234, "elfu moja mia mbili thelathini na nne"},
	} {
		tongue, err := tongueOf(tt.language)
		if err != nil {
			t.Fatal(err)
		}
		if got := tongue.numeral(tt.n); got != tt.want {
			t.Errorf("%s %d: %q, want %q", tt.language, tt.n, got, tt.want)
		}
	}
}

// TestNumeralsDiffer: no two numbers read alike, so digits can be told from words.
func TestNumeralsDiffer(t *testing.T) {
	for _, tongue := range tongues {
		seen := make(map[string]int)
		for n := 1; n <= 9999; n++ {
			w := tongue.numeral(n)
			if m, ok := seen[w]; ok {
				t.Fatalf("%s: %d and %d are both %q", tongue.code, m, n, w)
			}
			seen[w] = n
		}
	}
}

func TestVocabulary(t *testing.T) {
	for name, list := range map[string][]string{"nouns": nouns, "colours": colours, "sizes": sizes, "people": people, "things": things} {
		seen := make(map[string]bool)
		for _, w := range list {
			if seen[w] {
				t.Errorf("%s: %q twice", name, w)
			}
			seen[w] = true
		}
	}
	if len(nouns) != 128 {
		t.Errorf("%d nouns, want 128", len(nouns))
	}
	for _, tongue := range tongues {
		seen := make(map[string]bool)
		for i, th := range tongue.things {
			for _, s := range []string{th.name, th.howMany, th.inAll} {
				if s == "" || seen[s] {
					t.Errorf("%s thing %d: %q is empty or there twice", tongue.code, i, s)
				}
				seen[s] = true
			}
		}
	}
}
