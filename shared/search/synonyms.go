package search

// nouns are other words for one thing or one deed, a set a line. They hold in any
// catalogue; a word may be in several sets.
const nouns = `
organization company business enterprise tenant
issue ticket bug problem defect
comment remark note reply feedback
member people person user colleague collaborator teammate participant
account user profile
login username handle
contact lead prospect
label tag category
directory folder path
file content document attachment
readme documentation manual
secret password credential
token key credential
key ssh gpg
configuration setting preference option
property attribute field
message mail email notification
notification inbox
authentication login signin
2fa mfa otp factor
session login
authorization permission access allowed right
right permission role privilege scope grant
visibility public private
application integration
task todo chore
job task run
invite invitation member collaborator
attach attachment upload
assign assignee give assigned owner
approve approval review accept
approver reviewer
reject decline dismiss refuse deny
ignore dismiss mute
copy duplicate clone fork
stop cancel abort halt
start run trigger dispatch launch
restart rerun again retry
attempt retry try
deliver redeliver resend delivery
kill delete evict
complete finished done close resolved
open reopen active
publish release
deploy deployment rollout release
release version
version tag
version revision history older previous
commit revision sha
hash digest checksum sha
upgrade update bump
volume disk storage space
bucket container storage
machine host node server runner
device machine
cpu memory resource compute
ram memory
resource quota limit
limit quota restrict restriction maximum cap ceiling budget
schedule cron calendar recurring nightly
period quarter interval
column section board list lane
board project
parent child sub nested
epic parent
subtask sub
dependency depends blocked blocking prerequisite
follow follower subscribe watch watcher
subscription subscribe
favorite star bookmark
star stargazer
webhook callback hook
pipeline workflow build action
artifact output binary
log output console
history timeline activity event audit
event happened change
status state progress health phase condition
metric statistic usage report analytics
metric measure measurement kpi
count number total
merge integrate combine
branch ref reference
protect protection
rule policy guideline ruleset
exception exemption bypass
block forbid prevent deny ban
lock freeze
archive archived
archive tarball zip
export dump backup
snapshot backup
import migrate migration
transfer move
move insert reorder
scale replica autoscale autoscaler
replica copy instance
expose service endpoint
disable deactivate off suspend
enable activate on
team squad group
identity account principal
certificate tls ssl
sign signature signing signed
trust authority root
bundle package
image container
container docker
scan scanning detect analysis
analysis report result
finding alert
vulnerability vulnerable security advisory alert
leak leaked exposed secret
alert warning
deadline due date
date day time
goal objective target okr
sprint milestone iteration
estimate effort point
roadmap plan
template blueprint preset
draft unpublished
pending waiting queued stuck
chart diagram graph
dashboard overview
price cost billing
pay payment
invoice bill
refund reimbursement
discount coupon voucher promotion
cart basket
shipment delivery parcel tracking
stock inventory
customer client buyer
order purchase
product item
seat license
employee staff worker
meeting appointment event
attendee guest participant
leave holiday vacation absence
photo picture image avatar
video clip recording
place location address position
language locale translation
tell notify inform
undo revert rollback restore
restore recover undelete
hide archive
like star favorite reaction
react reaction emoji
allow permit grant
pause suspend
fix repair patch
finish complete close
begin start open
link associate connect reference relation
sort reorder prioritize priority
compare diff difference
split divide break subtask
ask request
answer reply
talk discuss discussion comment conversation
thread conversation discussion topic
check verify validate
validate validation validating
test try ping
preview render
save store
visitor view traffic click
popular trending top
latest recent newest
late overdue due
important priority
boss owner manager administrator
administrator owner
error failure failed
ip address
cidr range subnet
dns domain hostname
site page website
internet ingress external
proxy tunnel
rate throttle
money billing budget cost
spend usage billing
balance credit
command exec execute
shell exec
join member add
hand assign
snippet gist
bot agent automation
choose select selected pick
type kind class
definition schema spec specification
row record entry
table sheet spreadsheet
vote poll
score rating
cache cached
`

// said are phrases, and what they stand for: they are replaced before the request is
// divided.
const said = `who am i = get current user
how do i, how do we, how can i, how can we, how to, how would i, where can i, i want to, i need to, we need to, i'd like to, can you, could you, would you, help me, let me, make sure =
no longer, kick out, take down, take away, take off = remove
whenever = by event webhook
cluster wide = cluster all
at once = all
in bulk = bulk all
to-do, to-dos = todo
pr = pull request
prs = pull requests
ci = actions workflow
set up, spin up = create
get rid of, throw away, close down, tear down, clean up = delete
who can, who may = who access
kick off = start
turn on, switch on = enable
turn off, switch off = disable
shut down = stop
roll back = revert
roll out = deploy
bring back = restore
give me, tell me, find out, figure out = get
call off = cancel
carry out = run
hand over = transfer
pvc = persistent volume claim
pvcs = persistent volume claims
pv = persistent volume
pvs = persistent volumes
hpa = horizontal pod autoscaler
crd = custom resource definition
crds = custom resource definitions
pdb = pod disruption budget
csr = certificate signing request
csrs = certificate signing requests
pat = personal access token
pats = personal access tokens
sso = single sign on
look over = review
look for = search
am i allowed = review access permission
due = due date
how many = get count
how far = get status`

// irregular are forms that no suffix tells.
var irregular = map[string]string{
	"given": "give", "gave": "give", "found": "find", "made": "make", "ran": "run", "sent": "send", "written": "write", "wrote": "write",
	"built": "build", "chosen": "choose", "got": "get", "bought": "buy", "sold": "sell", "kept": "keep", "taken": "take", "took": "take",
	"thrown": "throw", "hidden": "hide", "broken": "break", "shown": "show", "seen": "see", "saw": "see", "begun": "begin", "began": "begin",
	"spent": "spend", "paid": "pay", "held": "hold", "lost": "lose", "met": "meet", "drawn": "draw", "known": "know", "left": "leave",
	// one word for what is the same
	"every": "all", "each": "all", "everything": "all", "whole": "all", "entire": "all", "across": "all", "wide": "all",
	"repo": "repository", "repos": "repository", "org": "organization", "orgs": "organization", "organisation": "organization",
	"organisations": "organization", "organisational": "organization", "config": "configuration", "configs": "configuration", "env": "environment", "envs": "environment",
	"app": "application", "apps": "application", "db": "database", "dbs": "database", "param": "parameter", "params": "parameter",
	"admin": "administrator", "admins": "administrator", "auth": "authentication", "ns": "namespace", "svc": "service",
	"licence": "license", "licences": "license", "catalogue": "catalog", "catalogues": "catalog", "behaviour": "behavior", "colour": "color", "colours": "color",
	"favourite": "favorite", "favourites": "favorite", "centre": "center", "dialogue": "dialog", "authorise": "authorize", "authorised": "authorize",
	"customise": "customize", "synchronise": "synchronize", "prioritise": "prioritize", "reprioritise": "reprioritize", "unauthorised": "unauthorized",
	"cert": "certificate", "certs": "certificate", "docs": "document", "doc": "document", "info": "information", "msg": "message", "pic": "picture", "pics": "picture",
	"people": "person", "children": "child", "indices": "index", "matrices": "matrix", "analyses": "analysis", "men": "man", "women": "woman",
}

// contentBegins are words behind which a request says what is to stand in something
// rather than what it is: a bug about the login page.
var contentBegins = setOf("about called named titled saying")
