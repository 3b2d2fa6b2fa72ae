package search

import (
	"cmp"
	"iter"
	"net/http"
	"strings"
)

// action is what a tool does to things, as far as its name or a request tells: one, or
// several as bits.
type action uint8

const (
	reads action = 1 << iota
	creates
	updates
	deletes
	isMany   // it is done to many things: a list
	isOne    // it is done to one
	isFading // the tool is deprecated, or not final

	unknown action = 0

	writes = creates | updates | deletes
	deeds  = reads | writes
	counts = isMany | isOne
)

// verbs are the words that say what is done: requests use them as they come, names of
// tools mostly the first few of a line. The plain ones are those that many tools have,
// and that tell nothing else of what is wanted.
var verbs = []struct {
	does  action
	plain bool
	words string
}{
	{reads, true, "get list read show retrieve fetch find view see look lookup display browse query what which who how where when whose why"},
	{reads, false, "search download check inspect describe count enumerate examine compare verify explain monitor"},
	{creates, true, "create add make new start post insert define set put"},
	{creates, false, `open register generate file store propose run trigger launch schedule expose attach invite upload report send publish
		submit import provision draft establish introduce plan append include grant subscribe join request initiate install duplicate copy
		clone fork build deploy log record save write leave restore enable give allow let assign link associate share choose select keep gain limit restrict block protect`},
	{updates, true, "update edit modify change patch set replace put alter"},
	{updates, false, `rename correct adjust mark write save commit push scale resize move overwrite tweak fix amend revise swap switch toggle
		configure reassign reorder extend bump raise lower increase decrease shift transfer convert turn enable disable pause resume lock unlock
		close reopen archive unarchive renew refresh rotate assign reset restore record give allow let promote complete finish cancel stop prevent
		bind map rearrange choose select keep limit restrict`},
	{deletes, true, "delete remove drop"},
	{deletes, false, `erase destroy discard revoke unset throw rid kick uninstall detach clear wipe purge undo withdraw strip eliminate
		terminate kill disconnect unlink unassign unsubscribe unfollow unstar unpin unblock expel trash prune empty reset deregister unregister
		scrap exclude cancel stop disable leave dismiss expire lose`},
}

// actionOf is what a tool does.
func actionOf(d *Document, first string) action {
	does := verbOf(d.Name, d.Title, first)
	if does == unknown {
		switch {
		case d.ReadOnly, d.Method == http.MethodGet, d.Method == http.MethodHead:
			does = reads
		case d.Method == http.MethodDelete:
			does = deletes
		case d.Method == http.MethodPut, d.Method == http.MethodPatch:
			does = updates
		}
	}
	does |= numberOf(cmp.Or(d.Title, first, d.Name))
	if fading(d, first) {
		does |= isFading
	}
	return does
}

// verbOf is the action that the first word says, of the name or else of what is said
// of the tool, with the one behind an "or" after it; unknown where that is no verb of
// one.
func verbOf(texts ...string) action {
	for _, text := range texts {
		found, n, or := unknown, 0, false
		words(text, func(word string) {
			switch {
			case n == 0, n == 2 && or && found != unknown:
				found |= known().actions[stem(word)]
			case n == 1:
				or = word == "or"
			}
			n++
		})
		if found != unknown {
			return found
		}
	}
	return unknown
}

// numberOf tells whether what is said of a tool is of many things or of one: the noun
// that ends the first phrase behind the verb says so, where no other word does.
func numberOf(text string) action {
	found, n, last, ended := unknown, 0, "", false
	words(text, func(word string) {
		switch {
		case found != unknown || ended || n > 6:
		case known().kinds[word]&saysMany != 0:
			found = isMany
		case n == 0:
		case last == "" && known().kinds[word]&saysOne != 0:
			found = isOne
		case unsaid[word]:
			ended = last != ""
		default:
			last = word
		}
		n++
	})
	switch {
	case found != unknown:
		return found
	case isPlural(last):
		return isMany
	}
	return isOne
}

func isPlural(word string) bool {
	return len(word) > 3 && strings.HasSuffix(word, "s") && !strings.HasSuffix(word, "ss") && !strings.HasSuffix(word, "us") && !strings.HasSuffix(word, "is")
}

// fading tells of a tool that is on its way in or out.
func fading(d *Document, first string) bool {
	found := false
	for at := range sentenceStarts(d.Description) {
		found = found || strings.HasPrefix(at, "deprecated")
	}
	words(d.Name+" "+d.Title+" "+first, func(word string) {
		found = found || word == "legacy" || word == "deprecated" || word == "deprecation" || strings.Contains(word, "alpha") || strings.Contains(word, "beta")
	})
	return found
}

// sentenceStarts are the beginnings of the sentences of a text, in lower case.
func sentenceStarts(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for text != "" {
			if !yield(strings.ToLower(text[:min(len(text), len("deprecated"))])) {
				return
			}
			_, text = sentence(text)
			text = strings.TrimLeft(text, " \t\r\n*>[(")
		}
	}
}
