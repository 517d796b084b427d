package acceptance

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

// unzipped is what a saved plan, which is a zip archive, holds; other content is returned as it is.
func unzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return content
	}
	var all []byte
	for _, file := range archive.File {
		opened, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(opened)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return all
}
