package search

import "strings"

// action is what a tool does to things, as far as its name or a request tells.
type action uint8

const (
	unknown action = iota
	reads
	creates
	updates
	deletes

	isFading action = 0x80 // beside one of them: the tool is deprecated, or not final
)

// verbs are the words that say the same of an action: requests use them as they come,
// names of tools mostly the first few.
var verbs = map[action]string{
	reads:   "get list read show retrieve fetch find search view see look lookup display browse download query check what which who how",
	creates: "create add make new open start register post insert define generate file store propose run trigger launch schedule expose attach invite upload report send publish",
	updates: "update edit modify change patch set replace rename alter correct adjust mark put scale resize move",
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

// contentBegins are words behind which a request says what is to stand in something
// rather than what it is: a bug about the login page.
var contentBegins = setOf("about called named titled saying")

// purposeBegins are words behind which a request says what something is for, or with
// what.
var purposeBegins = setOf("for with without from because whenever when while so that via using inside")

// actions has the action of each verb, by its stem; related, by the stem of a noun,
// those of the others.
var actions, related = relations()

func relations() (map[string]action, map[string][]string) {
	acts, rel := map[string]action{}, map[string][]string{}
	relate := func(line string) []string {
		var stems []string
		for _, word := range strings.Fields(line) {
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
		for _, word := range strings.Fields(verbs[a]) {
			acts[stem(word)] = a
		}
	}
	for line := range strings.Lines(nouns) {
		relate(line)
	}
	return acts, rel
}
