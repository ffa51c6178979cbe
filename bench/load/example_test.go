package load_test

import (
	"context"
	"fmt"
	"time"

	"github.com/tokenassay/assay/bench/load"
)

func ExampleDrive() {
	p, err := load.Parse("replay:0s,1ms,2ms", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	sent, err := load.Drive(context.Background(), p, 10, func(_ context.Context, i int, due time.Time) bool {
		return true // ask question i; its latency counts from due
	})
	fmt.Println(sent, err)
	// Output: 3 <nil>
}
