// Elements are made of text alone: nothing that a server says becomes markup.

/** h makes an element. Properties that begin with "on" are listeners. */
export function h(name, properties, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

/** link is an anchor to a page, and plain text where it leads anywhere else. */
export function link(url, text) {
  return /^https?:\/\//i.test(url) ? h('a', { href: url, rel: 'noreferrer' }, text) : document.createTextNode(text);
}

/** terms makes a list of terms and what they are; those without are left out. */
export function terms(rows) {
  return h('dl', null, rows.filter(([, value]) => value !== undefined && value !== '' && value !== false && (!Array.isArray(value) || value.length > 0))
    .flatMap(([term, value]) => [h('dt', null, term), h('dd', null, value)]));
}

/** copyButton copies what make returns, and says so. */
export function copyButton(text, make, label) {
  const said = h('span', { role: 'status', class: 'said' });
  const button = h('button', { type: 'button', 'aria-label': label, onclick: async () => {
    try {
      await navigator.clipboard.writeText(make());
      said.textContent = ' Copied';
    } catch (error) {
      said.textContent = error instanceof SyntaxError ? ' The arguments are not JSON' : ' The browser does not let pages copy';
    }
    setTimeout(() => { said.textContent = ''; }, 4000);
  } }, text);
  return h('span', null, button, said);
}

/** pretty is JSON for people. */
export const pretty = (value) => JSON.stringify(value, null, 2);
