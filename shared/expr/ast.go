package expr

// node is an expression or a statement of the source.
type node interface{ at() int }

// where is the byte offset of a node.
type where int

func (w where) at() int { return int(w) }

// typeRef is a type as written. Rank counts "[]", and name is "" for the
// element type of new[]; "var" is a name like others.
type typeRef struct {
	where
	name     string // with dots
	args     []typeRef
	nullable bool
	rank     int
}

type (
	literal struct {
		where
		value any
	}
	interpolated struct {
		where
		parts []interpolation
		holes []node // one for each part that is a hole
	}
	identifier struct {
		where
		name string
		args []typeRef
	}
	// access is x.name or x.name<args>.
	access struct {
		where
		x    node
		name string
		args []typeRef
	}
	index struct {
		where
		x    node
		args []argument
	}
	call struct {
		where
		fn   node
		args []argument
	}
	// conditional access is x?.rest, where rest begins at hook.
	conditionalAccess struct {
		where
		x, rest node
		hook    *hook
	}
	// hook stands for the value that a conditional access found. The binder
	// gives it type and slot.
	hook struct {
		where
		t    *Type
		slot int
	}
	creation struct {
		where
		t    typeRef
		args []argument
		init []initializer
		size node // of arrays; nil: the number of elements
		kind creationKind
	}
	unary struct {
		where
		op string
		x  node
	}
	// step is x++ and the like.
	step struct {
		where
		op     string // "+" or "-"
		x      node
		prefix bool
	}
	operation struct {
		where
		op   string
		l, r node
	}
	ternary struct {
		where
		cond, yes, no node
	}
	assignment struct {
		where
		op   string // "" for =, or the binary operator
		l, r node
	}
	cast struct {
		where
		t typeRef
		x node
	}
	// typeTest is "x is T", "x is T name", "x is constant" and "x is null".
	typeTest struct {
		where
		x        node
		t        typeRef
		constant node // nil: a type
		not      bool
		name     string // "": none
	}
	asType struct {
		where
		x node
		t typeRef
	}
	lambda struct {
		where
		params []parameter
		expr   node // or
		block  *block
	}
	typeOfExpr struct {
		where
		t typeRef
	}
	defaultOf struct {
		where
		t typeRef // no name: default
	}
	thrown struct {
		where
		x node // nil: throw;
	}
	tuple struct {
		where
		items []argument
	}
)

type creationKind uint8

const (
	createObject creationKind = iota
	createArray
	createAnonymous
)

// argument is a value handed to a call, with its name ("": none) and out.
type argument struct {
	name    string
	out     bool
	declare *typeRef // out var x, out int x
	x       node
}

// parameter is one of a lambda or local function; without a type it is inferred.
type parameter struct {
	where
	t    *typeRef
	name string
}

// initializer is an element of { … } after new: a value, Name = value,
// [index] = value, or { several, values }.
type initializer struct {
	where
	name   string
	index  []argument
	values []node
	nested []initializer // Name = { … }
}

// Statements.
type (
	block struct {
		where
		list    []node
		checked bool // integers must not overflow
	}
	declaration struct {
		where
		t     typeRef
		names []declarator
	}
	localFunction struct {
		where
		result typeRef
		name   string
		body   *lambda
	}
	expression struct {
		where
		x node
	}
	ifStatement struct {
		where
		cond     node
		yes, not node // not may be nil
	}
	loop struct {
		where
		init []node
		cond node // nil: for ever
		next []node
		body node
		late bool // the condition comes after the body
	}
	foreach struct {
		where
		t    typeRef
		name string
		seq  node
		body node
	}
	returnStatement struct {
		where
		x node // nil: no value
	}
	jump struct {
		where
		what string // break or continue
	}
	switchStatement struct {
		where
		x     node
		cases []switchCase
	}
	try struct {
		where
		body    *block
		catches []catch
		finally *block // nil: none
	}
	using struct {
		where
		resource node
		body     node // nil: the rest of the block
	}
)

type declarator struct {
	where
	name  string
	value node // nil: none
}

type switchCase struct {
	where
	labels []label
	body   []node
}

// label is "case value", "case Type name", with a guard perhaps, or "default".
type label struct {
	test  node // a typeTest over the subject, whose x is nil; nil: default
	guard node // nil: none
}

type catch struct {
	where
	t    *typeRef // nil: everything
	name string   // "": none
	when node     // nil: always
	body *block
}
