package safetensors

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// openIndexed reads the files named in an index and checks that each tensor is where it says.
func openIndexed(dir, index string) (*Set, error) {
	data, err := readIndex(index)
	if err != nil {
		return nil, err
	}
	where, err := parseIndex(data)
	if err != nil {
		return nil, &FormatError{index, 0, "weight_map", err}
	}
	var paths []string
	for _, file := range slices.Sorted(maps.Values(where)) {
		paths = append(paths, filepath.Join(dir, file))
	}
	s, err := openFiles(slices.Compact(paths))
	if err != nil {
		return nil, err
	}
	if err := s.match(where); err != nil {
		s.Close()
		return nil, &FormatError{index, 0, "weight_map", err}
	}
	return s, nil
}

// match compares the tensors of the files with the index.
func (s *Set) match(where map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(where)) {
		if _, ok := s.Tensor(name); !ok {
			return fmt.Errorf("%w: tensor %.100q is not in %s", ErrIndex, name, where[name])
		}
	}
	for _, t := range s.Tensors {
		if _, ok := where[t.Name]; !ok {
			return fmt.Errorf("%w: tensor %.100q of the files is not listed", ErrIndex, t.Name)
		}
	}
	return nil
}

// readIndex reads the index, of which a large one has some 100 bytes for each of 100,000 tensors.
func readIndex(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxHeader+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxHeader {
		return nil, &FormatError{path, maxHeader, "index", fmt.Errorf("%w: more than %d bytes", ErrIndex, maxHeader)}
	}
	return data, nil
}

// parseIndex returns the file of each tensor. Names of files stay within the folder.
func parseIndex(data []byte) (map[string]string, error) {
	var index struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrIndex, err)
	}
	if len(index.WeightMap) == 0 {
		return nil, fmt.Errorf("%w: it names no tensors", ErrIndex)
	}
	for name, file := range index.WeightMap {
		if !filepath.IsLocal(file) || strings.ContainsAny(file, `/\`) {
			return nil, fmt.Errorf("%w: tensor %.100q is in %.100q, not a file of this folder", ErrIndex, name, file)
		}
	}
	return index.WeightMap, nil
}
