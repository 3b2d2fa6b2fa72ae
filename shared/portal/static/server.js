// One server: what it is, who may call it, how to connect to it, and its tools.
import { h, link, terms, copyButton } from './dom.js';
import { accessForm, credentials, signedIn } from './access.js';
import { configurations, installURL, nameOf } from './configurations.js';
import { consoleOf } from './console.js';
import { schemaTable } from './schema.js';
import { tools } from './mcp.js';

const limitList = (limits) => (limits ?? []).length > 0 && h('ul', null, limits.map((limit) => h('li', null, limit.text, ' ', h('span', { class: 'quiet' }, `(${limit.policy}, ${limit.scope})`))));
const either = (alternatives) => (alternatives ?? []).join('; or ');

/** usageTexts say what was used of a subscription. */
function usageTexts(subscription) {
  if (!subscription) return undefined;
  const within = (seconds) => (seconds > 0 ? `, renewed in ${seconds < 3600 ? `${Math.ceil(seconds / 60)} minutes` : seconds < 172800 ? `${Math.ceil(seconds / 3600)} hours` : `${Math.ceil(seconds / 86400)} days`}` : '');
  const list = (subscription.usage ?? []).map((usage) => [
    usage.calls && `${usage.callsUsed} of ${usage.calls} calls used`, usage.kilobytes && `${usage.kilobytesUsed} of ${usage.kilobytes} KB used`,
  ].filter(Boolean).join(', ') + within(usage.renewalSeconds ?? 0));
  if (subscription.unknown) list.push('What was used is not known at the moment.');
  const title = [subscription.name || subscription.id, subscription.product && `to ${subscription.product}`, subscription.end && `until ${subscription.end.slice(0, 10)}`];
  return [title.filter(Boolean).join(' '), list.length > 0 && h('ul', null, list.map((text) => h('li', null, text)))].filter(Boolean);
}

const hints = [
  ['readOnlyHint', 'reads only', 'does more than read'], ['destructiveHint', 'may destroy', ''], ['idempotentHint', 'may be repeated', ''], ['openWorldHint', 'reaches beyond', ''],
];

function hintTexts(annotations) {
  return hints.map(([key, yes, no]) => (annotations?.[key] === true ? yes : annotations?.[key] === false ? no : '')).filter(Boolean).join(', ');
}

function toolView(server, tool) {
  const title = tool.title ?? tool.annotations?.title;
  const summary = (tool.description ?? '').split('\n')[0];
  const more = server.tools?.[tool.name] ?? {};
  const inside = h('div', { class: 'inside' });
  const element = h('details', { class: 'tool', ontoggle: () => {
    if (!element.open || inside.childElementCount > 0) return;
    inside.append(
      h('p', null, tool.description ?? ''),
      terms([
        ['Behaviour', hintTexts(tool.annotations)], ['Who may call', either(more.allow) || either(server.allow)],
        ['Approval', more.approval && 'A person is asked before each call.'], ['Limits', limitList(more.limits)],
      ]),
      h('h4', null, 'Arguments'), schemaTable(tool.inputSchema, `Arguments of ${tool.name}`),
      ...(tool.outputSchema ? [h('h4', null, 'Result'), schemaTable(tool.outputSchema, `Result of ${tool.name}`)] : []),
      h('h4', null, 'Try it'), consoleOf(server, tool));
  } },
  h('summary', null, h('h4', null, title ?? tool.name), title && [' ', h('code', null, tool.name)],
    summary !== '' && summary !== title && h('span', { class: 'quiet' }, summary)),
  inside);
  return element;
}

function badges(server) {
  return [
    h('span', { class: 'badge' }, server.version),
    server.status !== 'active' && h('span', { class: 'badge warn' }, server.status),
    server.lifecycle && h('span', { class: 'badge' }, server.lifecycle),
    server.external && h('span', { class: 'badge' }, 'elsewhere'),
    server.issuers && (signedIn(server) ? h('span', { class: 'badge good' }, 'signed in') : h('span', { class: 'badge' }, 'sign-in')),
    server.keyRequired && h('span', { class: 'badge' }, 'subscription key'),
  ];
}

function connect(server) {
  const name = nameOf(server);
  return h('div', { class: 'row' },
    h('a', { class: 'button primary', href: installURL(server) }, 'Install in VS Code'),
    configurations.map(({ client, file, make }) => copyButton(`Copy for ${client}`, () => make(server), `Copy for ${client}: ${name}, into ${file}`)));
}

/** ServerView shows a server, and keeps its tools for the search. */
export class ServerView {
  /** changed is called when tools have come, or what the caller has given changed. */
  constructor(server, changed) {
    this.server = server;
    this.changed = changed;
    this.tools = [];
    this.list = h('div', { class: 'tools' });
    this.access = h('div', { class: 'inside' });
    this.element = h('article', { 'aria-labelledby': `server-${server.id}` });
    this.render();
  }

  render() {
    const server = this.server;
    this.renderAccess();
    this.element.replaceChildren(...[
      h('div', { class: 'row' }, h('h2', { id: `server-${server.id}` }, server.title ?? nameOf(server)), badges(server)),
      server.description && h('p', null, server.description),
      server.statusMessage && h('p', null, server.statusMessage),
      terms([
        ['URL', h('code', null, server.url)], ['Name', h('code', null, server.name)], ['Owner', server.owner], ['Environment', server.environment],
        ['More', server.websiteUrl && link(server.websiteUrl, server.websiteUrl)],
        ['Who may call', either(server.allow)],
        ['Products', (server.products ?? []).map((product) => product.name + (product.open ? '' : ' (with a subscription)')).join(', ')],
        ['Your subscription', usageTexts(server.subscription)],
        ['Limits', limitList(server.limits)],
      ]),
      connect(server),
      !server.external && this.accessDetails, this.list,
    ].filter(Boolean));
  }

  renderAccess() {
    this.access.replaceChildren(accessForm(this.server, () => this.changed(this)));
    this.accessDetails ??= h('details', { class: 'access' }, h('summary', null, h('h3', null, 'Sign in, keys and traces')), this.access);
  }

  /** load reads the tools, as far as the caller may see them. */
  async load() {
    if (this.server.external) return;
    if (!this.server.admitted) {
      this.tools = [];
      this.list.replaceChildren(h('p', { class: 'quiet' }, this.server.issuers ? 'Sign in to see the tools.' : 'Give a subscription key to see the tools.'));
      this.accessDetails.open = true;
      return;
    }
    try {
      this.tools = await tools(this.server.url, credentials(this.server));
    } catch (error) {
      this.list.replaceChildren(h('p', { class: 'error', role: 'alert' }, `The tools cannot be read: ${error.message}`));
      return;
    }
    this.views = this.tools.map((tool) => ({ tool, element: toolView(this.server, tool) }));
    this.list.replaceChildren(h('h3', null, `${this.tools.length} ${this.tools.length === 1 ? 'tool' : 'tools'}`), ...this.views.map(({ element }) => element));
  }

  /** filter shows what has all words, and returns whether there is anything. */
  filter(words) {
    const has = (text) => words.every((word) => text.toLowerCase().includes(word));
    const server = this.server;
    const own = has([server.id, server.name, server.title, server.description].join(' '));
    let some = own;
    for (const { tool, element } of this.views ?? []) {
      const found = own || has([server.title, server.id, tool.name, tool.title, tool.description, ...Object.keys(tool.inputSchema?.properties ?? {})].join(' '));
      element.hidden = !found;
      some ||= found;
    }
    this.element.hidden = !some;
    return some;
  }
}
