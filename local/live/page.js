// The live view: it asks the gateway that served it for news, and shows them. Texts of
// calls become text, never markup.
'use strict';

const most = 500; // calls that are kept, as the gateway does
const element = id => document.getElementById(id);
const state = element('state');
let calls = []; // the newest first
let latest = null; // what came last
let began = '';
let paused = false;

function cell(row, text, className) {
  const td = row.insertCell();
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

function part(parent, text, className) {
  const span = parent.appendChild(document.createElement('span'));
  span.textContent = text;
  span.className = className;
  return span;
}

// nothing is the only row of a table that has none.
function nothing(body, columns, text) {
  const row = body.insertRow();
  row.className = 'none';
  cell(row, text).colSpan = columns;
}

function millis(ms) {
  return ms < 100 ? ms.toFixed(1) : ms.toFixed(0);
}

function time(ms) {
  return new Date(ms).toLocaleTimeString([], { hour12: false });
}

// bars draws how many calls came in each slice of time, and how many went wrong.
function bars(row) {
  const name = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(name, 'svg');
  const height = 20, top = Math.max(1, ...row.activity);
  svg.setAttribute('viewBox', `0 0 ${row.activity.length * 4} ${height}`);
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('class', 'bars');
  svg.setAttribute('role', 'img');
  const sum = list => list.reduce((a, b) => a + b, 0);
  svg.setAttribute('aria-label', `${sum(row.activity)} calls in the last 5 minutes, ${sum(row.bad)} of them refused or failed`);
  const rect = (x, y, width, h, className) => {
    const r = svg.appendChild(document.createElementNS(name, 'rect'));
    r.setAttribute('x', x);
    r.setAttribute('y', y);
    r.setAttribute('width', width);
    r.setAttribute('height', h);
    r.setAttribute('class', className);
  };
  rect(0, height - 1, row.activity.length * 4, 1, 'ground');
  row.activity.forEach((n, i) => {
    if (n === 0) return;
    const all = Math.max(2, n / top * height), wrong = all * row.bad[i] / n;
    rect(i * 4, height - all, 3, all - wrong, 'all');
    rect(i * 4, height - wrong, 3, wrong, 'wrong');
  });
  return svg;
}

function showSums() {
  for (const name of ['calls', 'refused', 'failed']) {
    const at = element('sum-' + name);
    at.textContent = latest[name].toLocaleString('en');
    at.parentElement.classList.toggle('some', latest[name] > 0);
  }
  for (const name of ['p50', 'p95']) {
    element('sum-' + name).textContent = latest.calls ? millis(latest[name]) + ' ms' : '–';
  }
}

function showRows() {
  const body = document.createElement('tbody');
  body.id = 'rows';
  for (const r of latest.rows) {
    const row = body.insertRow();
    cell(row, r.server || '–');
    cell(row, r.name, r.tool ? 'text' : 'text soft');
    cell(row, r.calls, 'number');
    cell(row, r.refused || '·', 'number' + (r.refused ? ' refused' : ' soft'));
    cell(row, r.failed || '·', 'number' + (r.failed ? ' failed' : ' soft'));
    cell(row, millis(r.p50), 'number');
    cell(row, millis(r.p95), 'number');
    row.insertCell().append(bars(r));
  }
  if (!latest.rows.length) nothing(body, 8, 'No calls yet. Point an MCP client at this gateway.');
  element('rows').replaceWith(body);
}

// because is why a call was refused or failed: the reason for machines, and the one for
// people.
function because(c) {
  return [c.code, c.reason].filter(Boolean).join(': ');
}

function showRefusals() {
  const groups = new Map();
  for (const c of calls) {
    if (c.outcome === 'ok') continue;
    const key = JSON.stringify([c.policy, c.code || c.reason, c.at, c.outcome]);
    const group = groups.get(key) || { first: c, n: 0 };
    group.n++;
    groups.set(key, group);
  }
  const body = document.createElement('tbody');
  body.id = 'refusals';
  for (const { first, n } of [...groups.values()].sort((a, b) => b.n - a.n).slice(0, 20)) {
    const row = body.insertRow();
    cell(row, n, 'number ' + first.outcome);
    cell(row, first.policy || '–');
    cell(row, because(first) || first.outcome, 'text');
    cell(row, first.at || '', 'at');
    cell(row, time(first.time), 'time');
  }
  if (!groups.size) nothing(body, 5, `None among the last ${most} calls.`);
  element('refusals').replaceWith(body);
}

function wanted(c, text, bad) {
  if (bad && c.outcome === 'ok') return false;
  return [c.server, c.method, c.name, c.status, c.outcome, c.code, c.reason, c.policy, c.note].join(' ').toLowerCase().includes(text);
}

function showCalls() {
  const text = element('filter').value.trim().toLowerCase(), bad = element('bad').checked;
  const list = calls.filter(c => wanted(c, text, bad));
  const focused = document.activeElement && document.activeElement.dataset.trace;
  const body = document.createElement('tbody');
  body.id = 'list';
  for (const c of list.slice(0, 200)) {
    const row = body.insertRow();
    cell(row, time(c.time), 'time');
    cell(row, c.server || '–');
    const what = row.insertCell();
    what.className = 'text';
    part(what, c.method + (c.name ? ' ' : ''), 'soft');
    part(what, c.name, '');
    cell(row, millis(c.ms), 'number');
    cell(row, c.status, 'number');
    const how = row.insertCell();
    how.className = 'text';
    part(how, c.outcome, c.outcome);
    if (c.note) part(how, ' · ' + c.note, 'soft');
    if (c.outcome !== 'ok') part(how, (c.policy ? ' by ' + c.policy : '') + (because(c) ? ': ' + because(c) : ''), '');
    else if (c.policy) part(how, ' · answered by ' + c.policy, 'soft');
    const way = row.insertCell();
    if (c.trace) {
      const a = way.appendChild(document.createElement('a'));
      a.href = '/_live/calls/' + encodeURIComponent(c.trace);
      a.textContent = 'explain';
      a.dataset.trace = c.trace;
      a.setAttribute('aria-label', `explain ${c.method} ${c.name}, ${time(c.time)}`);
    }
  }
  if (!list.length) nothing(body, 7, calls.length ? 'No call is like that.' : 'Calls appear here as they come.');
  element('list').replaceWith(body);
  if (focused) {
    const again = [...body.querySelectorAll('a')].find(a => a.dataset.trace === focused);
    if (again) again.focus();
  }
  element('count').textContent = list.length > 200 ? `the newest 200 of ${list.length}` : '';
}

// take adds what came. Another beginning is another run of the gateway, whose calls are
// counted anew.
function take(event) {
  if (event.began !== began) {
    began = event.began;
    calls = [];
  }
  latest = event;
  calls = event.latest.reverse().concat(calls).slice(0, most);
  if (!paused) show(event.latest.length > 0 || calls.length === 0);
}

function show(withCalls) {
  if (!latest) return;
  showSums();
  showRows();
  if (!withCalls) return;
  showRefusals();
  showCalls();
}

function say(text, lost) {
  state.textContent = text;
  state.className = lost ? 'lost' : '';
}

function pause() {
  paused = !paused;
  element('pause').setAttribute('aria-pressed', paused);
  say(paused ? 'paused; calls are kept' : 'live');
  if (!paused) show(true);
}

element('pause').addEventListener('click', pause);
element('filter').addEventListener('input', showCalls);
element('bad').addEventListener('change', showCalls);
document.addEventListener('keydown', e => {
  if (e.target.matches('input[type=search]')) {
    if (e.key === 'Escape') e.target.blur();
    return;
  }
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.key === 'p') pause();
  else if (e.key === 'r') element('bad').click();
  else if (e.key === '/') element('filter').focus();
  else return;
  e.preventDefault();
});

const news = new EventSource('/_live/events');
news.onopen = () => say(paused ? 'paused; calls are kept' : 'live');
news.onerror = () => say('the gateway does not answer; trying again', true);
news.onmessage = e => take(JSON.parse(e.data));
