package search_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"toolgate/shared/openapi"
	"toolgate/shared/search"
)

var grid = map[string][]float64{"otherwise": {.4, .5, .6, .7}, "untold": {.7, .8, .85, .95}, "faded": {.6, .7, .8}, "beside": {.2, .3, .4, .5}, "bySecond": {.2, .35, .5, .65, .8}, "ofPurpose": {.4, .55, .7, .85, 1}, "bName": {.4, .6, .9}, "bTitle": {.4, .6, .9}, "bDescription": {.5, .9}, "bParameters": {.1, .75}, "bSummary": {.4, .9}, "usual": {.05, .3}, "ofGroup": {0, .25, .5, .75, 1, 1.5, 2}, "bySynonym": {.5, .7, .85, 1}, "byPrefix": {.4, .6}, "ofVerb": {.2, .35, .5, .8}, "ofContent": {.15, .3, .5}, "farther": {.8, .85, .9, .93, .97},
	"wName": {2, 3, 4}, "wTitle": {1.5, 2, 3, 4}, "wSummary": {.7, 1, 1.5, 2}, "wDescription": {.2, .4, .6, .8}, "wParameters": {.2, .4, .8}, "wTags": {.3, .6, 1}}

func TestTune(t *testing.T) {
	if os.Getenv("TUNE") == "" {
		t.Skip()
	}
	type cat struct {
		docs  []*search.Document
		ops   map[string]string
		tuned []labelled
	}
	var cats []cat
	for n, f := range catalogues {
		d := parse(t, specs(t), f)
		names := d.Names(48)
		c := cat{ops: map[string]string{}}
		for _, o := range d.Operations {
			tl, _ := d.Tool(o, names[o], openapi.ToolOptions{})
			doc, _ := search.Read(tl.Definition)
			doc.Tags = o.Tags
			c.docs = append(c.docs, doc)
			c.ops[tl.Name] = o.Key()
		}
		c.tuned, _ = readRequests(t, n)
		cats = append(cats, c)
	}
	eval := func() float64 {
		s := 0.0
		for _, c := range cats {
			var b search.Builder
			for _, d := range c.docs {
				b.Add(d)
			}
			bs, _ := b.Bytes()
			x, _ := search.Open(bs)
			for _, l := range c.tuned {
			out:
				for i, h := range x.Search(l.request, 10, nil) {
					for _, w := range l.wanted {
						if c.ops[h.Name] == w {
							if i < 5 {
								s += 1
							}
							s += .3 / float64(i+1)
							break out
						}
					}
				}
			}
		}
		return s
	}
	set := search.Tune()
	cur := map[string]float64{"otherwise": .7, "untold": .7, "bySecond": .5, "ofPurpose": .5, "faded": .8, "beside": .3, "bySynonym": .5, "byPrefix": .6, "ofVerb": .2, "ofContent": .3, "farther": .93, "wName": 2, "wTitle": 2, "wSummary": 1.5, "wDescription": .4, "wParameters": .4, "wTags": .6, "ofGroup": .25, "bName": .75, "bTitle": .75, "bSummary": .75, "bDescription": .75, "bParameters": .4, "bTags": .5, "usual": .15}
	best := eval()
	t.Log(best)
	for round := range 1 {
		var keys []string
		for k := range cur {
			keys = append(keys, k)
		}
		rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		for _, k := range keys {
			for _, v := range grid[k] {
				set[k](v)
				if e := eval(); e > best {
					best = e
					cur[k] = v
				}
			}
			set[k](cur[k])
		}
		t.Log(round, best, cur)
	}
}
