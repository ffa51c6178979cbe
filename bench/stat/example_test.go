package stat_test

import (
	"fmt"

	"github.com/tokenassay/assay/bench/stat"
)

// Ten answers, eight of them right.
func ExampleWilson() {
	fmt.Println(stat.Wilson(8, 10, 0.95))
	// Output: 0.8 [0.4902, 0.9433] n=10
}

// Two repeats of each of three questions are not six independent answers.
func ExampleClusterMean() {
	right := []float64{1, 1, 0, 0, 1, 1}
	fmt.Println(stat.Mean(right, 0.95))
	fmt.Println(stat.ClusterMean(right, []string{"a", "a", "b", "b", "c", "c"}, 0.95))
	fmt.Println(stat.ClusterShare(right, []string{"a", "a", "b", "b", "c", "c"}, 0.95))
	// Output:
	// 0.6667 [0.1247, 1.209] n=6
	// 0.6667 [-0.7676, 2.101] n=6
	// 0.6667 [0.04383, 0.9887] n=6
}

// Dollars per right answer: two cents spent on each of four, one or none of them right.
func ExampleRatio() {
	cents := []float64{2, 2, 2, 2}
	fmt.Println(stat.Ratio(cents, []float64{0, 1, 0, 0}, nil, 0.95))
	fmt.Println(stat.Ratio(cents, []float64{0, 0, 0, 0}, nil, 0.95))
	// Output:
	// 8 [1.913, +Inf] n=4
	// undefined [4.083, +Inf] n=4
}
