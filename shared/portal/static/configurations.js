// What clients want in their configuration files.
import { pretty } from './dom.js';

/** nameOf is a name that all clients take. */
export const nameOf = (server) => server.id.replace(/@.*$/, '').replace(/^.*\//, '');

function entry(server, value, type) {
  const headers = server.keyRequired ? { headers: { [server.keyHeader]: value } } : {};
  return { ...(type && { type }), url: server.url, ...headers };
}

const keyInput = '${input:subscription-key}';
const typeOf = (server) => (server.transport === 'sse' ? 'sse' : 'http');

/** installURL has VS Code add the server. */
export function installURL(server) {
  const inputs = server.keyRequired ? { inputs: [{ type: 'promptString', id: 'subscription-key', description: `Subscription key of ${nameOf(server)}`, password: true }] } : {};
  return `vscode:mcp/install?${encodeURIComponent(JSON.stringify({ name: nameOf(server), ...entry(server, keyInput, typeOf(server)), ...inputs }))}`;
}

/** configurations are what is copied, by client. */
export const configurations = [
  { client: 'Cursor', file: 'mcp.json', make: (s) => pretty({ mcpServers: { [nameOf(s)]: entry(s, 'YOUR-KEY') } }) },
  {
    client: 'Claude', file: 'the terminal', make: (s) => {
      const header = s.keyRequired ? ` --header "${s.keyHeader}: YOUR-KEY"` : '';
      return `claude mcp add --transport ${typeOf(s)} ${nameOf(s)} ${s.url}${header}`;
    },
  },
  { client: 'Copilot CLI', file: 'mcp-config.json', make: (s) => pretty({ mcpServers: { [nameOf(s)]: { ...entry(s, 'YOUR-KEY', typeOf(s)), tools: ['*'] } } }) },
  {
    client: 'mcp.json', file: '.vscode/mcp.json', make: (s) => pretty({
      ...(s.keyRequired && { inputs: [{ type: 'promptString', id: 'subscription-key', description: `Subscription key of ${nameOf(s)}`, password: true }] }),
      servers: { [nameOf(s)]: entry(s, keyInput, typeOf(s)) },
    }),
  },
];
