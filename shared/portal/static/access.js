// Who calls: what a person has given this page for each server. It is kept in memory,
// and forgotten with the page.
import { h } from './dom.js';
import { begin } from './signin.js';

const known = new Map(); // by the id of the server: { token, key, debug }

const of = (server) => known.get(server.id) ?? {};

/** remember keeps what was given for a server. */
export function remember(id, given) {
  known.set(id, { ...known.get(id), ...given });
}

/** credentials are the headers that show who calls. */
export function credentials(server) {
  const { token, key, debug } = of(server);
  return {
    ...(token && { Authorization: `Bearer ${token}` }),
    ...(key && server.keyHeader && { [server.keyHeader]: key }),
    ...(debug && { 'Apim-Debug-Authorization': debug }),
  };
}

/** identity are those of them that say who calls, and ask for no trace. */
export function identity(server) {
  const { 'Apim-Debug-Authorization': _, ...headers } = credentials(server);
  return headers;
}

/** signedIn tells whether the caller has a token for a server. */
export const signedIn = (server) => Boolean(of(server).token);

/** traces tells whether the caller may have what happened to a call. */
export const traces = (server) => Boolean(of(server).debug);

function field(server, name, label, hint) {
  const id = `${name}-${server.id}`;
  return h('div', { class: 'grow' },
    h('label', { for: id }, label),
    h('input', { id, name, type: 'password', autocomplete: 'off', placeholder: hint, value: of(server)[name] ?? '' }));
}

/** accessForm lets a person say who they are. Changed is called when they have. */
export function accessForm(server, changed) {
  const problem = h('p', { class: 'error', role: 'alert' });
  const fields = [];
  if (server.keyHeader) fields.push(field(server, 'key', 'Subscription key', server.keyHeader));
  if (server.issuers) fields.push(field(server, 'token', 'Access token', 'in place of signing in'));
  const debug = field(server, 'debug', 'Debug token, to trace calls', 'go run ./local trace token');
  const signIn = server.issuers && h('button', { type: 'button', class: 'primary', onclick: async (event) => {
    problem.textContent = '';
    event.target.disabled = true;
    try {
      await begin(server);
    } catch (error) {
      problem.textContent = error.message;
      event.target.disabled = false;
    }
  } }, of(server).token ? 'Sign in anew' : 'Sign in');
  const form = h('form', { onsubmit: (event) => {
    event.preventDefault();
    for (const input of form.querySelectorAll('input')) remember(server.id, { [input.name]: input.value.trim() });
    changed();
  } },
  signIn && h('div', { class: 'row' }, signIn),
  h('div', { class: 'row' }, fields, debug),
  h('div', { class: 'row' }, h('button', { type: 'submit' }, 'Use these')), problem);
  return form;
}
