// A client of MCP 2026-07-28: each request stands for itself, over Streamable HTTP.

const version = '2026-07-28';
const client = { name: 'toolgate-catalog', version: '1' };
let nextID = 1;

/** Failure is an answer that is no result. */
export class Failure extends Error {
  constructor(message, exchange) {
    super(message);
    this.exchange = exchange;
  }
}

/** headerValue writes what a header cannot carry as it is in Base64. */
export function headerValue(text) {
  if (/^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(text) && !/^=\?base64\?.*\?=$/.test(text)) return text;
  const bytes = new TextEncoder().encode(text);
  return `=?base64?${btoa(String.fromCharCode(...bytes))}?=`;
}

/** paramHeaders are those that repeat arguments, as the schema of a tool asks for. */
function paramHeaders(schema, args, headers = {}) {
  for (const [name, property] of Object.entries(schema?.properties ?? {})) {
    const value = args?.[name];
    if (value === undefined || value === null || typeof property !== 'object' || property === null) continue;
    const header = property['x-mcp-header'];
    if (typeof header === 'string' && typeof value !== 'object') headers[`Mcp-Param-${header}`] = headerValue(String(value));
    if (typeof value === 'object' && !Array.isArray(value)) paramHeaders(property, value, headers);
  }
  return headers;
}

/** compose makes a request, as it will be sent, without what shows who calls. */
export function compose(method, params, tool) {
  const headers = {
    Accept: 'application/json, text/event-stream', 'Content-Type': 'application/json',
    'MCP-Protocol-Version': version, 'Mcp-Method': method,
  };
  if (params.name !== undefined) headers['Mcp-Name'] = headerValue(params.name);
  Object.assign(headers, paramHeaders(tool?.inputSchema, params.arguments));
  const meta = {
    'io.modelcontextprotocol/protocolVersion': version, 'io.modelcontextprotocol/clientInfo': client,
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  };
  return { headers, body: { jsonrpc: '2.0', id: nextID++, method, params: { ...params, _meta: meta } } };
}

/** messages reads the messages of an answer: one, or those of an event stream. */
async function messages(response) {
  const text = await response.text();
  const type = response.headers.get('Content-Type') ?? '';
  if (type.startsWith('text/event-stream')) {
    return text.split(/\r?\n\r?\n/)
      .map((event) => event.split(/\r?\n/).filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trimStart()).join('\n'))
      .filter((data) => data !== '').map((data) => JSON.parse(data));
  }
  if (!type.startsWith('application/json') || text === '') return [];
  return [JSON.parse(text)];
}

/**
 * request sends a request and returns the exchange: what was sent, what came and how
 * long it took. Credentials are headers. It throws a Failure.
 */
export async function request(url, { headers, body }, credentials) {
  const exchange = { url, headers, body, messages: [], started: performance.now() };
  let response;
  try {
    response = await fetch(url, { method: 'POST', headers: { ...headers, ...credentials }, body: JSON.stringify(body), credentials: 'omit', redirect: 'error' });
    exchange.status = response.status;
    exchange.traceID = response.headers.get('Apim-Trace-Id');
    exchange.challenge = response.headers.get('WWW-Authenticate');
    exchange.messages = await messages(response);
  } catch (error) {
    throw new Failure(response ? `The answer cannot be read: ${error.message}` : `The server cannot be reached: ${error.message}`, exchange);
  } finally {
    exchange.took = performance.now() - exchange.started;
  }
  const answer = exchange.messages.find((message) => message.id === body.id || message.statusCode !== undefined);
  exchange.result = answer?.result;
  if (exchange.result === undefined) {
    throw new Failure(answer?.error?.message ?? answer?.message ?? `The server answered with status ${exchange.status}.`, exchange);
  }
  return exchange;
}

/** tools lists all tools of a server, page by page. */
export async function tools(url, credentials) {
  const list = [];
  let cursor;
  for (let page = 0; page < 100; page++) {
    const { result } = await request(url, compose('tools/list', cursor === undefined ? {} : { cursor }), credentials);
    list.push(...(result.tools ?? []));
    cursor = result.nextCursor;
    if (!cursor) break;
  }
  return list;
}
