// node client-tasks.mjs URL TOOL ARGUMENTS: calls a tool with the TypeScript client of
// the extension for tasks, answers what a task asks for, waits until it has ended, and
// prints {"kind", "result"}: how the call was carried out, and what came of it.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';

const [url, tool, args] = process.argv.slice(2);
setTimeout(() => { process.stderr.write('the call has not ended after a minute\n'); process.exit(1); }, 60_000).unref();
const protocolVersion = '2026-07-28';
const clientInfo = { name: 'toolgate-interop', version: '1.0.0' };
const clientCapabilities = { elicitation: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } };
const client = new Client(clientInfo, { capabilities: clientCapabilities, versionNegotiation: { mode: { pin: protocolVersion } } });
await client.connect(new StreamableHTTPClientTransport(new URL(url)));

// The SDK's own client refuses results that are tasks, so the package leaves the
// transport of these requests to the host.
let last = 1000;
async function rawDispatch(request, options) {
  const id = ++last;
  const name = request.params?.taskId ?? request.params?.name;
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': protocolVersion,
    'mcp-method': request.method,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ ...request, jsonrpc: '2.0', id }), signal: options?.signal });
  return { ...(await response.json()), id: request.id ?? id };
}

const session = createTaskSessionFromClient(client, {
  endpointId: 'toolgate',
  rawDispatch,
  v2RequestFraming: { protocolVersion, clientInfo, clientCapabilities },
  onInputRequest: async () => ({ action: 'accept', content: { confirm: true } }),
  onError: (error) => process.stderr.write(`${error}\n`),
});
try {
  const execution = await session.callTool(tool, JSON.parse(args));
  const { outcome } = await execution.settle();
  process.stdout.write(JSON.stringify({ kind: execution.kind, result: resultFromTaskOutcome(outcome) }));
} finally {
  await session.close();
  await client.close();
}
