package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tokenassay/assay/bench"
	"github.com/tokenassay/assay/tasks/sandbox"
)

var update = flag.Bool("u", false, "rewrite the files in testdata/script that are compared with cmp")

// TestMain lets scripts run this test binary as assay.
func TestMain(m *testing.M) {
	sandbox.Main()
	testscript.Main(m, map[string]func(){"assay": main})
}

// TestScript runs the commands as users run them, each script in a folder of its own. Beside
// testscript's own commands they have those of commands_test.go.
//
// Where public data lie, $DATA is their folder and [shared] holds; where CI is set, [shared]
// fails instead of not holding. [mount] says whether this process may mount a file system.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DATA", sharedData())
			env.Values[rememberedKey{}] = map[bench.Key]bench.Outcome{}
			return nil
		},
		Condition: func(cond string) (bool, error) {
			switch cond {
			case "shared":
				if sharedData() == "" && os.Getenv("CI") != "" {
					return false, errors.New("public data are not there and CI is set; set ASSAY_SHARED to the folder that holds data/")
				}
				return sharedData() != "", nil
			case "mount":
				return mayMount(), nil
			}
			return false, errors.New("unknown condition " + cond)
		},
		Cmds:                scriptCommands,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// sharedData is the folder of public data, "" where there is none.
var sharedData = sync.OnceValue(func() string {
	if dir := os.Getenv("ASSAY_SHARED"); dir != "" {
		return filepath.Join(dir, "data")
	}
	wd, err := os.Getwd()
	if err != nil {
		return ""
	}
	for ; wd != filepath.Dir(wd); wd = filepath.Dir(wd) {
		data := filepath.Join(filepath.Dir(wd), "shared", "data")
		if info, err := os.Stat(data); err == nil && info.IsDir() {
			return data
		}
	}
	return ""
})
