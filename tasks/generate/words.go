package generate

// nouns are the keys of records, variables and the words programs put around strings: short,
// common, lower-case ASCII, each once. There are 128 of them.
var nouns = []string{
	"moon", "river", "sun", "tree", "stone", "bird", "fish", "horse",
	"cat", "dog", "bear", "wolf", "fox", "goat", "duck", "bee",
	"rose", "leaf", "seed", "root", "grass", "corn", "rice", "bean",
	"apple", "pear", "plum", "lemon", "bread", "milk", "salt", "honey",
	"house", "door", "roof", "wall", "floor", "chair", "table", "lamp",
	"bed", "cup", "bowl", "spoon", "knife", "plate", "pot", "oven",
	"road", "bridge", "train", "car", "boat", "ship", "plane", "wheel",
	"hill", "lake", "sea", "sand", "rain", "snow", "wind", "cloud",
	"star", "sky", "fire", "ice", "gold", "iron", "glass", "wood",
	"king", "queen", "baker", "farmer", "doctor", "singer", "sailor", "pilot",
	"book", "page", "pen", "paper", "map", "letter", "stamp", "coin",
	"hat", "coat", "shoe", "glove", "shirt", "ring", "belt", "bag",
	"drum", "flute", "bell", "song", "clock", "key", "box", "rope",
	"ball", "kite", "doll", "game", "tent", "flag", "sword", "crown",
	"city", "farm", "shop", "bank", "park", "beach", "forest", "garden",
	"hand", "foot", "eye", "ear", "nose", "arm", "tooth", "heart",
}

// colours and sizes make keys of two and three words where a context needs more keys than there are nouns.
var (
	colours = []string{
		"red", "blue", "green", "black", "white", "grey", "brown", "pink",
		"yellow", "orange", "purple", "silver", "golden", "dark", "pale", "bright",
		"warm", "cold", "wet", "dry", "soft", "hard", "quiet", "loud",
	}
	sizes = []string{
		"big", "small", "tall", "short", "long", "wide", "thin", "thick",
		"old", "new", "young", "heavy", "light", "quick", "slow", "round",
	}
)
