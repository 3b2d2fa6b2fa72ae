// The page: it asks which servers there are, shows them, and searches them.
import { h } from './dom.js';
import { identity, remember } from './access.js';
import { ServerView } from './server.js';
import { complete } from './signin.js';

const at = (id) => document.getElementById(id);
const views = new Map(); // by the id of the server

/** servers asks what the caller is shown. */
async function servers(headers) {
  const response = await fetch('servers.json', { headers, credentials: 'omit' });
  if (!response.ok) throw new Error(`The servers cannot be read: status ${response.status}.`);
  return response.json();
}

/** search shows what has all words of the search, and says how much that is. */
function search() {
  const words = at('search').value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const view of views.values()) if (view.filter(words)) shown++;
  at('status').textContent = words.length === 0 ? `${shown} ${shown === 1 ? 'server' : 'servers'}` : `${shown} of ${views.size} servers match`;
}

/** changed asks anew about one server, whose caller may be another one now. */
async function changed(view) {
  try {
    const { servers: list } = await servers(identity(view.server));
    for (const server of list) {
      const known = views.get(server.id);
      if (!known) await add(server);
      else if (known === view) view.server = server;
    }
    view.render();
    await view.load();
    search();
  } catch (error) {
    fail(error);
  }
}

async function add(server) {
  const view = new ServerView(server, changed);
  views.set(server.id, view);
  at('servers').append(view.element);
  await view.load();
}

function fail(error) {
  at('status').replaceChildren(h('span', { class: 'error' }, error.message));
}

async function start() {
  let signedIn, problem;
  try {
    signedIn = await complete();
  } catch (error) {
    problem = error;
  }
  if (signedIn) remember(signedIn.server, { token: signedIn.token });
  const content = await servers(signedIn ? { Authorization: `Bearer ${signedIn.token}` } : {});
  at('title').textContent = content.title ?? content.name;
  document.title = `${content.title ?? content.name}: MCP servers`;
  at('deployment').replaceChildren(`Version ${content.version}, snapshot ${content.snapshot.slice(0, 12)}, `, h('span', { id: 'health' }, 'health unknown'));
  await Promise.all([health(), ...content.servers.map(add)]);
  search();
  if (problem) fail(problem);
  if (signedIn) views.get(signedIn.server)?.element.scrollIntoView();
}

/** health asks the deployment how it is. */
async function health() {
  const response = await fetch('../healthz', { credentials: 'omit' }).catch(() => undefined);
  const body = response?.ok ? await response.json() : {};
  at('health').replaceChildren(h('span', { class: `badge ${body.status === 'ok' ? 'good' : 'bad'}` }, body.status === 'ok' ? 'healthy' : 'not healthy'));
}

at('search').addEventListener('input', search);
at('search-form').addEventListener('submit', (event) => event.preventDefault());
document.addEventListener('keydown', (event) => {
  if (event.key === '/' && !(event.target instanceof Element && event.target.matches('input, textarea'))) {
    event.preventDefault();
    at('search').focus();
  }
});
start().catch(fail);
