// Signing in: OAuth 2.1 with PKCE in the browser, at the authorization server that a
// server's metadata names (RFC 9728, RFC 8414, RFC 7591). Tokens stay in memory.

const pendingKey = 'toolgate-sign-in';
const redirectURI = () => location.origin + location.pathname;

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

async function fetchJSON(url, what, options) {
  let response;
  try {
    response = await fetch(url, { credentials: 'omit', ...options });
  } catch {
    throw new Error(`${what} cannot be reached from this page.`);
  }
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error_description ?? body.error ?? `${what} answered with status ${response.status}.`);
  return body;
}

/** wellKnown puts a well-known path before the path of a URL (RFC 8615). */
function wellKnown(url, name) {
  const u = new URL(url);
  return `${u.origin}/.well-known/${name}${u.pathname.replace(/\/$/, '')}`;
}

async function authorizationServer(issuer) {
  const places = [wellKnown(issuer, 'oauth-authorization-server'), wellKnown(issuer, 'openid-configuration'), `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`];
  let last;
  for (const place of places) {
    try {
      const metadata = await fetchJSON(place, `The authorization server ${issuer}`);
      if (metadata.issuer === issuer) return metadata;
      last = new Error(`The metadata at ${place} is of another issuer.`);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** begin leads to the authorization server, and comes back to this page. */
export async function begin(server) {
  const resource = await fetchJSON(wellKnown(server.url, 'oauth-protected-resource'), 'The metadata of the server');
  const issuer = resource.authorization_servers?.[0];
  if (!issuer) throw new Error('The metadata of the server names no authorization server.');
  const at = await authorizationServer(issuer);
  if (!at.registration_endpoint) throw new Error(`${issuer} registers no clients, so this page cannot sign in there. Paste a token instead.`);
  const registered = await fetchJSON(at.registration_endpoint, 'The registration', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      client_name: document.title, redirect_uris: [redirectURI()], grant_types: ['authorization_code'], response_types: ['code'],
      token_endpoint_auth_method: 'none', application_type: 'web',
    }),
  });
  const verifier = random();
  const state = random();
  const challenge = base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
  sessionStorage.setItem(pendingKey, JSON.stringify({
    server: server.id, url: server.url, issuer, token: at.token_endpoint, client: registered.client_id, verifier, state,
    named: at.authorization_response_iss_parameter_supported === true,
  }));
  const target = new URL(at.authorization_endpoint);
  const scope = (server.scopes?.length ? server.scopes : resource.scopes_supported ?? []).join(' ');
  const parameters = {
    response_type: 'code', client_id: registered.client_id, redirect_uri: redirectURI(), state, resource: server.url,
    code_challenge: challenge, code_challenge_method: 'S256', ...(scope && { scope }),
  };
  for (const [name, value] of Object.entries(parameters)) target.searchParams.set(name, value);
  location.assign(target);
}

/** complete takes the answer of the authorization server, where this page got one. */
export async function complete() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('state')) return undefined;
  history.replaceState(null, '', location.pathname + location.hash);
  const pending = JSON.parse(sessionStorage.getItem(pendingKey) ?? 'null');
  sessionStorage.removeItem(pendingKey);
  if (!pending || pending.state !== answer.get('state')) throw new Error('This sign-in was not begun here. Sign in again.');
  if (answer.has('iss') ? answer.get('iss') !== pending.issuer : pending.named) throw new Error('The answer is of another authorization server.');
  if (answer.has('error')) throw new Error(`Not signed in: ${answer.get('error_description') ?? answer.get('error')}`);
  const token = await fetchJSON(pending.token, 'The authorization server', {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code', code: answer.get('code') ?? '', redirect_uri: redirectURI(), client_id: pending.client,
      code_verifier: pending.verifier, resource: pending.url,
    }),
  });
  return { server: pending.server, token: token.access_token };
}
