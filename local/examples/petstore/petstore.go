// Package petstore is the example REST backend: a pet store kept in memory.
package petstore

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json"
)

// Pet is one animal.
type Pet struct {
	ID     int64    `json:"id"`
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Status string   `json:"status"`
	Tags   []string `json:"tags"`
}

// Store is the backend. It is an http.Handler, safe for concurrent use.
type Store struct {
	mux  http.ServeMux
	mu   sync.Mutex
	pets []Pet
	last int64
}

// New opens a store with three pets in it.
func New() *Store {
	s := &Store{last: 3, pets: []Pet{
		{1, "Mia", "cat", "available", []string{"indoor"}},
		{2, "Bruno", "dog", "available", []string{"large", "friendly"}},
		{3, "Kiwi", "parrot", "sold", []string{}},
	}}
	s.mux.HandleFunc("GET /pets", s.list)
	s.mux.HandleFunc("POST /pets", s.create)
	s.mux.HandleFunc("GET /pets/{id}", s.one(s.get))
	s.mux.HandleFunc("PUT /pets/{id}", s.one(s.replace))
	s.mux.HandleFunc("DELETE /pets/{id}", s.one(s.remove))
	s.mux.HandleFunc("GET /pets/{id}/photo", s.one(s.photo))
	return s
}

func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

func (s *Store) list(w http.ResponseWriter, r *http.Request) {
	limit, err := strconv.Atoi(r.FormValue("limit"))
	if err != nil {
		limit = 20
	}
	found := []Pet{}
	for _, p := range s.pets {
		if status := r.FormValue("status"); (status == "" || status == p.Status) && len(found) < limit {
			found = append(found, p)
		}
	}
	answer(w, http.StatusOK, found)
}

func (s *Store) create(w http.ResponseWriter, r *http.Request) {
	p := Pet{Status: "available", Tags: []string{}}
	if !read(w, r, &p) {
		return
	}
	s.last++
	p.ID = s.last
	s.pets = append(s.pets, p)
	answer(w, http.StatusCreated, p)
}

// one finds the pet of the path, by its index.
func (s *Store) one(then func(http.ResponseWriter, *http.Request, int)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		i := slices.IndexFunc(s.pets, func(p Pet) bool { return p.ID == id })
		if err != nil || i < 0 {
			problem(w, http.StatusNotFound, "No such pet", "There is no pet with the id "+r.PathValue("id")+".")
			return
		}
		then(w, r, i)
	}
}

func (s *Store) get(w http.ResponseWriter, _ *http.Request, i int) {
	answer(w, http.StatusOK, s.pets[i])
}

func (s *Store) replace(w http.ResponseWriter, r *http.Request, i int) {
	p := Pet{Tags: []string{}}
	if !read(w, r, &p) {
		return
	}
	p.ID = s.pets[i].ID
	s.pets[i] = p
	answer(w, http.StatusOK, p)
}

func (s *Store) remove(w http.ResponseWriter, _ *http.Request, i int) {
	s.pets = slices.Delete(s.pets, i, i+1)
	w.WriteHeader(http.StatusNoContent)
}

// photo answers the same small PNG for every pet.
func (s *Store) photo(w http.ResponseWriter, _ *http.Request, _ int) {
	w.Header().Set("Content-Type", "image/png")
	_, _ = w.Write(pixel)
}

// pixel is a PNG of one pixel.
var pixel, _ = base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")

func read(w http.ResponseWriter, r *http.Request, p *Pet) bool {
	if err := json.UnmarshalRead(r.Body, p); err != nil {
		problem(w, http.StatusBadRequest, "Not a pet", err.Error())
		return false
	}
	if p.Name == "" {
		problem(w, http.StatusUnprocessableEntity, "Not a pet", "A pet needs a name.")
		return false
	}
	return true
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v)
}

// problem answers as RFC 9457 has it.
func problem(w http.ResponseWriter, status int, title, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, struct {
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{title, status, detail})
}
