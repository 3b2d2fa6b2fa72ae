// node client-v2.mjs URL PLAN MODE: the TypeScript SDK v2. MODE is "legacy",
// "auto" (ask the server), or the one revision to speak.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { run, userInput } from './plan.mjs';

const [url, plan, mode] = process.argv.slice(2);
const client = new Client(
  { name: 'toolgate-interop', version: '1.0.0' },
  {
    capabilities: { elicitation: {} },
    versionNegotiation: { mode: mode === 'legacy' || mode === 'auto' ? mode : { pin: mode } },
  },
);
client.setRequestHandler('elicitation/create', () => userInput);
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
await run(client, (params, options) => client.callTool(params, options), JSON.parse(plan));
