// Trying a tool: what is sent, what comes, how long it takes, and which policies acted.
import { h, pretty, copyButton } from './dom.js';
import { compose, request } from './mcp.js';
import { credentials, traces } from './access.js';
import { answerable, questions } from './elicitation.js';
import { example } from './schema.js';

/** shownHeaders are headers as text; what shows who calls is left out. */
const shownHeaders = (headers, secret) => [...Object.entries(headers).map(([name, value]) => `${name}: ${value}`), ...Object.keys(secret).map((name) => `${name}: …`)].join('\n');

/** curl is the same call in a terminal. */
function curl(server, { headers, body }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const secret = server.keyRequired ? [`-H ${quote(`${server.keyHeader}: YOUR-KEY`)}`] : [];
  if (server.issuers) secret.push(`-H ${quote('Authorization: Bearer YOUR-TOKEN')}`);
  return ['curl', quote(server.url), ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`), ...secret, `-d ${quote(JSON.stringify(body))}`].join(' \\\n  ');
}

function content(block) {
  switch (block.type) {
    case 'text': return h('pre', { tabindex: '0' }, block.text);
    case 'resource_link': return h('p', null, block.title ?? block.name ?? '', ' ', h('code', null, block.uri));
    default: return h('pre', { tabindex: '0' }, pretty(block));
  }
}

function resultOf(result) {
  const parts = [];
  if (result.resultType && result.resultType !== 'complete') {
    parts.push(h('p', null, h('span', { class: 'badge warn' }, result.resultType), ' The call is not complete: a client that supports this goes on from here.'));
    parts.push(h('pre', { tabindex: '0' }, pretty(result)));
  }
  parts.push(...(result.content ?? []).map(content));
  if (result.structuredContent !== undefined) parts.push(h('h4', null, 'Structured content'), h('pre', { tabindex: '0' }, pretty(result.structuredContent)));
  return parts;
}

function steps(list) {
  return h('ul', null, list.map((step) => h('li', null,
    h('strong', null, step.name), ' ', [step.scope, step.section, step.at].filter(Boolean).join(', '),
    ` ${(step.durationMicros / 1000).toFixed(1)} ms `, step.outcome && h('span', { class: 'badge' }, step.outcome),
    step.lastError && h('span', { class: 'error' }, ` ${step.lastError.message}`),
    step.steps?.length && steps(step.steps))));
}

async function trace(server, exchange) {
  const response = await fetch(server.url.replace(/\/mcp$/, `/trace/${encodeURIComponent(exchange.traceID)}`), { headers: credentials(server), credentials: 'omit' });
  if (!response.ok) return h('p', { class: 'error' }, `The trace cannot be read: status ${response.status}.`);
  const body = await response.json();
  return h('div', null, h('h4', null, 'What acted'), steps(body.steps ?? []));
}

function exchangeView(server, exchange) {
  return [
    h('details', null, h('summary', null, 'Request'), h('pre', { tabindex: '0' }, `POST ${exchange.url}\n${shownHeaders(exchange.headers, credentials(server))}\n\n${pretty(exchange.body)}`)),
    h('details', null, h('summary', null, 'Response'), h('pre', { tabindex: '0' }, `${exchange.status ?? 'no status'}\n\n${exchange.messages.map(pretty).join('\n\n')}`)),
  ];
}

/** outcomeOf is what became of a call. Again makes it anew, with what was asked for. */
function outcomeOf(server, { exchange, failure }, again) {
  const result = exchange?.result;
  const failed = Boolean(failure || result?.isError);
  const asks = !failed && result.resultType === 'input_required' && answerable(result);
  const verdict = asks ? h('span', { class: 'badge warn' }, 'asked') : h('span', { class: `badge ${failed ? 'bad' : 'good'}` }, failed ? 'failed' : 'succeeded');
  return [
    h('p', null, verdict, exchange && ` in ${Math.round(exchange.took)} ms, status ${exchange.status ?? 'none'}`),
    failure && h('p', { class: 'error' }, failure.message),
    asks && questions(result, (answers) => again({ inputResponses: answers, ...(result.requestState !== undefined && { requestState: result.requestState }) })),
    result && !asks && resultOf(result), exchange && exchangeView(server, exchange),
  ];
}

/** consoleOf lets a person call a tool. */
export function consoleOf(server, tool) {
  const id = `arguments-${server.id}-${tool.name}`;
  const input = h('textarea', { id, spellcheck: 'false' });
  input.value = pretty(example(tool.inputSchema) ?? {});
  const outcome = h('div', { class: 'outcome', 'aria-live': 'polite' });
  outcome.hidden = true;
  const composed = (more) => compose('tools/call', { name: tool.name, arguments: JSON.parse(input.value.trim() || '{}'), ...more }, tool);
  const show = (...parts) => { outcome.hidden = false; outcome.replaceChildren(...parts.flat(2).filter(Boolean)); };
  const button = h('button', { type: 'submit', class: 'primary' }, 'Call');
  const call = async (more) => {
    let made;
    try {
      made = composed(more);
    } catch (error) {
      show(h('p', null, h('span', { class: 'badge bad' }, 'failed')), h('p', { class: 'error' }, `The arguments are not JSON: ${error.message}`));
      return;
    }
    button.disabled = true;
    show(h('p', null, 'Calling …'));
    const found = await request(server.url, made, credentials(server)).then((exchange) => ({ exchange }), (failure) => ({ failure, exchange: failure.exchange }));
    button.disabled = false;
    show(outcomeOf(server, found, call));
    if (found.exchange?.traceID && traces(server)) outcome.append(await trace(server, found.exchange));
  };
  return h('div', null,
    h('form', { onsubmit: (event) => { event.preventDefault(); call(); } },
      h('label', { for: id }, 'Arguments'), input,
      h('div', { class: 'row' }, button, copyButton('Copy as curl', () => curl(server, composed()), `Copy as curl: the call of ${tool.name}`))),
    outcome);
}
