// node sign-in.mjs URL BROWSER: the TypeScript SDK v2 signs in from nothing but the
// URL of an MCP server, calls a tool, and refreshes. BROWSER answers ?url= with the
// URL at which a browser ends that was sent there.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

const [url, browser] = process.argv.slice(2);
const redirectUrl = 'http://127.0.0.1:1/callback';

class Provider {
  kept = {};
  signIns = 0;

  get redirectUrl() { return redirectUrl; }
  get clientMetadata() {
    return {
      client_name: 'TypeScript', redirect_uris: [redirectUrl], grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'], token_endpoint_auth_method: 'none', application_type: 'native',
    };
  }
  state() { return this.kept.state = 'state-of-the-client'; }
  clientInformation() { return this.kept.client; }
  saveClientInformation(client) { this.kept.client = client; }
  tokens() { return this.kept.tokens; }
  saveTokens(tokens) { this.kept.tokens = tokens; }
  saveCodeVerifier(verifier) { this.kept.verifier = verifier; }
  codeVerifier() { return this.kept.verifier; }
  saveDiscoveryState(state) { this.kept.discovery = state; }
  discoveryState() { return this.kept.discovery; }
  async redirectToAuthorization(target) {
    this.signIns++;
    const response = await fetch(`${browser}?url=${encodeURIComponent(target)}`);
    this.callback = new URL(await response.text());
  }
}

const authProvider = new Provider();

async function connect() {
  const client = new Client({ name: 'toolgate-signin', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
  try {
    await client.connect(transport);
  } catch (error) {
    if (!authProvider.callback) throw error;
    const query = authProvider.callback.searchParams;
    authProvider.callback = undefined;
    if (query.get('state') !== authProvider.kept.state) throw new Error('the state is another one', { cause: error });
    await transport.finishAuth(query.get('code'), query.get('iss') ?? undefined);
    return connect();
  }
  return client;
}

const client = await connect();
const tools = await client.listTools();
const result = await client.callTool({ name: 'getOrder', arguments: { id: '7' } });
const first = authProvider.kept.tokens;
// A token that is not good any more is refreshed without the user.
authProvider.kept.tokens = { ...first, access_token: `${first.access_token.slice(0, -8)}AAAAAAAA` };
const again = await client.callTool({ name: 'getOrder', arguments: { id: '8' } });
await client.close();
console.log(JSON.stringify({
  tools: tools.tools.map((tool) => tool.name), text: result.content[0].text, again: again.content[0].text,
  refreshed: authProvider.kept.tokens.refresh_token !== first.refresh_token, signIns: authProvider.signIns,
  token: authProvider.kept.tokens.access_token, scope: authProvider.kept.tokens.scope,
}));
