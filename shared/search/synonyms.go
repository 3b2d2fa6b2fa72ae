package search

import "strings"

// action is what a tool does to things, as far as its name or a request tells: one, or
// several as bits.
type action uint8

const (
	reads action = 1 << iota
	creates
	updates
	deletes

	unknown action = 0

	isFading action = 0x80 // the tool is deprecated, or not final
)

// verbs are the words that say the same of an action: requests use them as they come,
// names of tools mostly the first few.
var verbs = map[action]string{
	reads:   "get list read show retrieve fetch find search view see look lookup display browse download query check what which who how",
	creates: "create add make new open start register post insert define generate file store propose run trigger launch schedule expose attach invite upload report send publish",
	updates: "update edit modify change patch set replace rename alter correct adjust mark put write save commit push scale resize move",
	deletes: "delete remove drop erase destroy discard revoke unset throw rid kick evict uninstall detach clear",
}

// nouns are other words for one thing or one deed, a set a line. They hold in any
// catalogue; a word may be in several sets.
var nouns = `
repository repo
organization organisation org company
issue ticket bug problem defect
comment remark note reply
member people person user colleague collaborator teammate
account user profile
label tag category
directory folder
file content document attachment
secret password credential
token key credential
configuration config setting preference option
message mail notification
notification inbox
environment env
authentication auth login
authorization permission access allowed right
application app
database db
task todo
job task run
invite invitation member collaborator
attach attachment upload
assign assignee give
approve approval review accept
reject decline dismiss refuse
copy duplicate clone fork
stop cancel abort halt
start run trigger dispatch launch
restart rerun again retry
kill delete evict
complete finished done close resolved
open reopen active
publish release
release version
version tag
volume disk storage
machine host node server runner
cpu memory resource
resource quota limit
limit quota restrict restriction
schedule cron calendar recurring
column section board list
parent child sub nested
subtask sub
dependency depends blocked blocking prerequisite
follow follower subscribe watch
star favorite bookmark
webhook callback hook
pipeline workflow build action
artifact output binary
log output console
history timeline activity event audit
event happened
status state progress health
metric statistic usage report
count number total
merge integrate combine
branch ref
protect protection
block forbid prevent deny
lock freeze
archive archived
export dump backup
import migrate migration
transfer move
move insert
scale replica autoscale autoscaler
expose service endpoint
disable deactivate off suspend
enable activate on
team squad group
role permission
identity account principal
certificate cert tls
scan scanning detect
vulnerability vulnerable security advisory alert
leak leaked exposed secret
alert warning
deadline due date
date day time
assigned owner
goal objective target
chart diagram
price cost billing
pay payment
invoice bill
customer client
order purchase
product item
tell notify inform
undo revert rollback restore
hide archive
like star favorite reaction
react reaction emoji
ban block
allow permit grant
pause suspend
fix repair patch
finish complete close
begin start open
link associate connect reference
sort reorder prioritize priority
compare diff difference
split divide break subtask
ask request
answer reply
talk discuss discussion comment
check verify validate
test try ping
preview render
save store
visitor view traffic
popular top
newest latest recent
late overdue due
important priority
boss owner manager admin
admin owner administrator
right permission role
privilege permission
error failure failed
stuck pending
nightly schedule cron
address ip
site page website
internet ingress external
space storage
money billing budget cost
spend usage billing
command exec execute
shell exec
progress status
join member add
hand assign
snippet gist
`

// phrases are said for other words, before the request is divided: a phrase and what it
// stands for, in turn.
var phrases = strings.NewReplacer(
	" to-do ", " todo ", " to-dos ", " todo ",
	" pr ", " pull request ", " prs ", " pull requests ", " ci ", " actions workflow ",
	" set up ", " create ", " get rid of ", " delete ", " throw away ", " delete ", " kick out ", " remove ",
	" look over ", " review ", " look for ", " search ", " make sure ", " ", " am i allowed ", " check access permission ",
	" due ", " due date ", " how many ", " get count ", " how far ", " get status ",
)

// irregular are forms that no suffix tells.
var irregular = map[string]string{
	"given": "give", "gave": "give", "found": "find", "made": "make", "ran": "run", "sent": "send", "written": "write", "wrote": "write",
	"built": "build", "chosen": "choose", "got": "get", "bought": "buy", "sold": "sell", "kept": "keep", "taken": "take", "took": "take",
	"thrown": "throw", "hidden": "hide", "broken": "break", "shown": "show", "seen": "see", "saw": "see", "begun": "begin", "began": "begin",
	"spent": "spend", "paid": "pay", "held": "hold", "lost": "lose", "met": "meet", "drawn": "draw", "known": "know", "left": "leave",
	"people": "person", "children": "child", "indices": "index", "matrices": "matrix", "analyses": "analysis", "men": "man", "women": "woman",
}

// contentBegins are words behind which a request says what is to stand in something
// rather than what it is: a bug about the login page.
var contentBegins = setOf("about called named titled saying")

// actions has the action of each verb, by its stem; related, by the stem of a noun,
// those of the others.
var actions, related = relations()

func relations() (map[string]action, map[string][]string) {
	acts, rel := map[string]action{}, map[string][]string{}
	relate := func(line string) []string {
		var stems []string
		for word := range strings.FieldsSeq(line) {
			stems = append(stems, stem(word))
		}
		for _, one := range stems {
			for _, other := range stems {
				if other != one {
					rel[one] = append(rel[one], other)
				}
			}
		}
		return stems
	}
	for _, a := range []action{reads, creates, updates, deletes} {
		for word := range strings.FieldsSeq(verbs[a]) {
			acts[stem(word)] = a
		}
	}
	for line := range strings.Lines(nouns) {
		relate(line)
	}
	return acts, rel
}
