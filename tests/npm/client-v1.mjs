// node client-v1.mjs URL PLAN [sse]: the TypeScript SDK v1, which speaks 2025-11-25,
// over Streamable HTTP or over HTTP+SSE.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { run, userInput } from './plan.mjs';

const [url, plan, transport] = process.argv.slice(2);
const Transport = transport === 'sse' ? SSEClientTransport : StreamableHTTPClientTransport;
const client = new Client({ name: 'toolgate-interop', version: '1.0.0' }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, () => userInput);
await client.connect(new Transport(new URL(url)));
await run(client, (params, options) => client.callTool(params, undefined, options), JSON.parse(plan));
