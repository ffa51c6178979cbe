package chat

import (
	"fmt"
	"strings"

	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
)

// list is a Python list to templates. The library's own lists answer None for [-n] of n
// elements, so messages[-1] of a single message would be lost.
type list []any

// GetItem is the [] of a template.
func (l list) GetItem(key any) (*exec.Value, bool) {
	i, ok := key.(int)
	if i < 0 {
		i += len(l)
	}
	if !ok || i < 0 || i >= len(l) {
		return exec.AsValue(nil), false
	}
	return exec.ToValue(l[i]), true
}

// methods are the library's, with what it has of Python's str corrected: replace needs no
// count, rsplit counts from the right, and lists of parts are such that [-1] works on them.
func methods() exec.Methods {
	str := make(map[string]exec.Method[string])
	for _, name := range strings.Fields(`capitalize capwords casefold center count encode endswith expandtabs find format
		isalnum isalpha isascii isdecimal isdigit islower isnumeric isprintable isspace istitle isupper
		join ljust lower lstrip partition removeprefix removesuffix replace rfind rjust rpartition rsplit rstrip
		split splitlines startswith strip swapcase title upper zfill`) {
		if m, ok := builtins.Methods.Str.Get(name); ok {
			str[name] = m
		}
	}
	str["replace"] = replace
	str["split"] = func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) { return splitText(self, args, false) }
	str["rsplit"] = func(self string, _ *exec.Value, args *exec.VarArgs) (any, error) { return splitText(self, args, true) }
	for _, name := range []string{"splitlines", "partition", "rpartition"} {
		str[name] = listing(str[name])
	}
	all := builtins.Methods
	all.Str = exec.NewMethodSet(str)
	return all
}

// replace is str.replace(old, new, count=-1).
func replace(self string, _ *exec.Value, args *exec.VarArgs) (any, error) {
	n := -1
	switch {
	case len(args.Args) < 2 || len(args.Args) > 3 || !args.Args[0].IsString() || !args.Args[1].IsString():
		return nil, fmt.Errorf("%w: replace takes two texts and perhaps a number", ErrTemplate)
	case len(args.Args) == 3:
		n = args.Args[2].Integer()
	case args.KwArgs["count"] != nil:
		n = args.KwArgs["count"].Integer()
	}
	return strings.Replace(self, args.Args[0].String(), args.Args[1].String(), n), nil
}

// splitText is str.split(sep=None, maxsplit=-1), or rsplit, which counts from the right.
func splitText(self string, args *exec.VarArgs, right bool) (any, error) {
	argument := func(i int, name string) *exec.Value {
		if i < len(args.Args) {
			return args.Args[i]
		}
		return args.GetKeywordArgument(name, nil)
	}
	sep, limit := argument(0, "sep"), -1
	if n := argument(1, "maxsplit"); n.IsInteger() {
		limit = n.Integer()
	}
	if sep.IsNil() {
		if limit >= 0 {
			return nil, fmt.Errorf("%w: split at white space with maxsplit is not supported", ErrTemplate)
		}
		return listOf(strings.Fields(self)), nil
	}
	if !sep.IsString() || sep.String() == "" {
		return nil, fmt.Errorf("%w: split takes a text that is not empty", ErrTemplate)
	}
	parts := strings.Split(self, sep.String())
	if n := len(parts); limit >= 0 && limit < n-1 {
		if right {
			parts = append([]string{strings.Join(parts[:n-limit], sep.String())}, parts[n-limit:]...)
		} else {
			parts = append(parts[:limit:limit], strings.Join(parts[limit:], sep.String()))
		}
	}
	return listOf(parts), nil
}

func listOf(texts []string) list {
	l := make(list, len(texts))
	for i, text := range texts {
		l[i] = text
	}
	return l
}

// listing makes a method that returns texts return a list of them.
func listing(m exec.Method[string]) exec.Method[string] {
	return func(self string, value *exec.Value, args *exec.VarArgs) (any, error) {
		got, err := m(self, value, args)
		texts := exec.AsValue(got)
		if err != nil || !texts.IsList() {
			return got, err
		}
		all := make(list, texts.Len())
		for i := range all {
			all[i] = texts.Index(i).String()
		}
		return all, nil
	}
}
