// node client-v1.mjs URL PLAN: the TypeScript SDK v1, which speaks 2025-11-25.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { run, userInput } from './plan.mjs';

const [url, plan] = process.argv.slice(2);
const client = new Client({ name: 'toolgate-interop', version: '1.0.0' }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, () => userInput);
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
await run(client, (params, options) => client.callTool(params, undefined, options), JSON.parse(plan));
