package mcp

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// ExtensionTasks is the extension by which a call goes on after its answer
// (SEP-2663). Clients declare it with each request, servers in discovery.
const ExtensionTasks = "io.modelcontextprotocol/tasks"

// ResultTask is the resultType of a result that is a task.
const ResultTask = "task"

// TaskStatus is how far a task has come.
type TaskStatus string

const (
	TaskWorking   TaskStatus = "working"
	TaskCompleted TaskStatus = "completed"
	TaskFailed    TaskStatus = "failed"
	TaskCancelled TaskStatus = "cancelled"
)

// Task is a call that goes on.
type Task struct {
	ID     string
	Status TaskStatus
	// Message says in words how far the task has come; empty for none.
	Message string
	// Created is when the call was made, Updated when Status was last looked at.
	Created, Updated time.Time
	// TTL is how long the task can be asked for, from Created.
	TTL time.Duration
	// PollInterval is how long a client should wait until it asks again; zero leaves it
	// to the client.
	PollInterval time.Duration
}

// Append appends the members of the task, without braces around them.
func (t *Task) Append(dst []byte) []byte {
	dst = AppendString(append(dst, `"taskId":`...), t.ID)
	dst = AppendString(append(dst, `,"status":`...), string(t.Status))
	if t.Message != "" {
		dst = AppendString(append(dst, `,"statusMessage":`...), t.Message)
	}
	dst = appendTime(append(dst, `,"createdAt":`...), t.Created)
	dst = appendTime(append(dst, `,"lastUpdatedAt":`...), t.Updated)
	dst = strconv.AppendInt(append(dst, `,"ttlMs":`...), t.TTL.Milliseconds(), 10)
	if ms := t.PollInterval.Milliseconds(); ms > 0 {
		dst = strconv.AppendInt(append(dst, `,"pollIntervalMs":`...), ms, 10)
	}
	return dst
}

func appendTime(dst []byte, at time.Time) []byte {
	dst = at.UTC().AppendFormat(append(dst, '"'), "2006-01-02T15:04:05.000Z")
	return append(dst, '"')
}

// AppendTaskResult appends the result of a call that became a task.
func AppendTaskResult(dst []byte, t *Task, serverInfo jsontext.Value) []byte {
	dst = t.Append(append(dst, `{"resultType":"`+ResultTask+`",`...))
	dst = append(append(dst, `,"_meta":{"`+MetaServerInfo+`":`...), serverInfo...)
	return append(dst, `}}`...)
}

// Declares reports whether the client says with the request that it supports an
// extension.
func (m *Message) Declares(extension string) bool {
	capabilities := m.Bytes(m.Meta.ClientCapabilities)
	span, ok := Lookup(capabilities, "extensions")
	if !ok {
		return false
	}
	extensions := capabilities[span.Start:span.End]
	span, ok = Lookup(extensions, extension)
	return ok && extensions[span.Start] == '{'
}

// MissingTasks is the error for a request that only clients with tasks can make.
func MissingTasks() *Error {
	return &Error{
		Code:    CodeMissingClientCapability,
		Message: "the request needs the extension " + ExtensionTasks + ", which the client does not declare",
		Data:    jsontext.Value(`{"requiredCapabilities":{"extensions":{"` + ExtensionTasks + `":{}}}}`),
	}
}

// UnknownTask is the error for a task that does not exist, does not exist any more, or
// is somebody else's.
func UnknownTask() *Error {
	return Errorf(CodeInvalidParams, "the task is not known: it has expired, or it is not one of this caller and server")
}

// OfTasks reports whether a method is one of tasks.
func OfTasks(method string) bool {
	return method == MethodGetTask || method == MethodUpdateTask || method == MethodCancelTask
}
