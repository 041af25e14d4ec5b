// Upload a file with net/http: upload ADDRESS CLIENT FILE [NOTES], with BULK_IMPORT_TOKEN set.
// Build it first, because "go run" turns every failure into exit code 1: go build upload.go
package main

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

type item struct {
	Outcome    string
	ExternalID string `json:"external_id"`
	Name, File string
	Line       int
	Error      string
	Message    string
}

type details struct{ Successes, Errors []item }

type answer struct {
	Message  string
	Details  json.RawMessage // an object in a 207, a sentence in an error
	Errors   []item
	Complete bool
}

var later = []int{408, 429, 502, 503, 504}

func send(url string, file *os.File, notes, key string) (*http.Response, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	var form bytes.Buffer // everything except the file, which goes between its two halves
	parts := multipart.NewWriter(&form)
	parts.WriteField("notes", notes)
	parts.CreateFormFile("file", filepath.Base(file.Name()))
	before := form.Len()
	parts.Close()
	head, tail := form.Bytes()[:before], form.Bytes()[before:]
	body := io.MultiReader(
		bytes.NewReader(head), io.NewSectionReader(file, 0, info.Size()), bytes.NewReader(tail))
	request, err := http.NewRequest("POST", url, body)
	if err != nil {
		return nil, err
	}
	request.ContentLength = int64(form.Len()) + info.Size()
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Authorization", "Bearer "+os.Getenv("BULK_IMPORT_TOKEN"))
	request.Header.Set("Content-Type", parts.FormDataContentType()) // contains the boundary
	request.Header.Set("Idempotency-Key", key)
	return http.DefaultClient.Do(request)
}

// report prints the outcome of each project, and fails if the response was cut off.
func report(status int, text []byte) (int, error) {
	var reply answer
	var items details
	if status == 207 || status == 409 {
		if err := json.Unmarshal(text, &reply); err != nil {
			return 2, err
		}
		items.Errors = reply.Errors
	}
	if status == 207 {
		if !reply.Complete {
			return 2, errors.New("the response was cut off")
		}
		if err := json.Unmarshal(reply.Details, &items); err != nil {
			return 2, err
		}
	} else if items.Errors == nil {
		fmt.Fprintf(os.Stderr, "refused with %d: %s\n", status, text)
		return 2, nil
	}
	for _, item := range items.Successes {
		fmt.Println(item.Outcome, item.ExternalID, item.Name)
	}
	for _, item := range items.Errors {
		called := cmp.Or(item.ExternalID, item.File, "-")
		fmt.Printf("failed %s, line %d: %s, %s\n", called, item.Line, item.Error, item.Message)
	}
	fmt.Println(reply.Message)
	return min(len(items.Errors), 1), nil
}

// attempt returns the exit code, or the reason to send again and the Retry-After in seconds, if there is one.
func attempt(url string, file *os.File, notes, key string) (code int, seconds int, again error) {
	response, err := send(url, file, notes, key)
	if err != nil {
		return 2, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 2, 0, err
	}
	after := response.Header.Get("Retry-After")
	if after == "" && !slices.Contains(later, response.StatusCode) {
		code, err = report(response.StatusCode, text)
		return code, 0, err
	}
	seconds, _ = strconv.Atoi(after)
	return 2, seconds, fmt.Errorf("%d %s", response.StatusCode, text)
}

func main() {
	if len(os.Args) < 4 || os.Getenv("BULK_IMPORT_TOKEN") == "" {
		fmt.Fprintln(os.Stderr, "usage: upload ADDRESS CLIENT FILE [NOTES], with the token in BULK_IMPORT_TOKEN")
		os.Exit(2)
	}
	notes := ""
	if len(os.Args) > 4 {
		notes = os.Args[4]
	}
	file, err := os.Open(os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	url := fmt.Sprintf("%s/api/v2/clients/%s/projects/bulk", os.Args[1], os.Args[2])
	key := rand.Text()
	wait := 0
	for _, pause := range []int{1, 2, 4, 8, 16, 32} {
		time.Sleep(time.Duration(wait) * time.Second)
		code, after, again := attempt(url, file, notes, key)
		if again == nil {
			os.Exit(code)
		}
		fmt.Fprintln(os.Stderr, again)
		wait = cmp.Or(after, pause)
	}
	os.Exit(2)
}
