package access

import "container/list"

// recent keeps the answers that were used last.
type recent struct {
	most  int
	order *list.List // of *kept, the last used first
	byKey map[digest]*list.Element
}

type kept struct {
	digest digest
	answer answer
}

func newRecent(most int) recent {
	return recent{most: most, order: list.New(), byKey: map[digest]*list.Element{}}
}

func (r *recent) get(d digest) (answer, bool) {
	e := r.byKey[d]
	if e == nil {
		return answer{}, false
	}
	r.order.MoveToFront(e)
	k, _ := e.Value.(*kept)
	return k.answer, true
}

func (r *recent) put(d digest, a answer) {
	if e := r.byKey[d]; e != nil {
		r.order.MoveToFront(e)
		e.Value = &kept{d, a}
		return
	}
	r.byKey[d] = r.order.PushFront(&kept{d, a})
	if r.order.Len() > r.most {
		last := r.order.Back()
		k, _ := r.order.Remove(last).(*kept)
		delete(r.byKey, k.digest)
	}
}
