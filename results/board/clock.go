package board

import (
	"time"

	"github.com/tokenassay/assay/bench"
)

// clockError is by how much a time to first output may be off: what the harness itself takes
// for a model without delay, or the clock's smallest step where that is coarser. 0 is unknown.
func clockError(m bench.Manifest) time.Duration {
	return max(m.Clock.TTFT.P50, m.Clock.Resolution)
}
