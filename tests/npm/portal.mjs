// node portal.mjs URL CHROMIUM FOLDER GIVEN: a person with a browser on the page of the
// servers. GIVEN is JSON: key and debug, which they have, and the name they sign in
// with. What they found is one line of JSON; screenshots go into FOLDER.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const [url, executablePath, folder, given] = process.argv.slice(2);
const { key, debug, user } = JSON.parse(given);
const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core'), 'utf8');
const found = { violations: [], problems: [], strangers: [], pages: [] };

const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, colorScheme: 'light' });
await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(url).origin });
const page = await context.newPage();
page.setDefaultTimeout(20000);
page.on('pageerror', (error) => found.problems.push(String(error)));
page.on('console', (message) => { if (message.type() === 'error' && page.url().startsWith(url)) found.problems.push(message.text()); });
page.on('request', (request) => {
  const onPage = page.url().startsWith(url) && !request.isNavigationRequest();
  if (onPage && new URL(request.url()).origin !== new URL(url).origin) found.strangers.push(request.url());
});

const article = (title) => page.locator('article').filter({ has: page.getByRole('heading', { level: 2, name: title, exact: true }) });

/** look checks the page as it is, and keeps a picture of it. */
async function look(name) {
  await page.screenshot({ path: path.join(folder, `${name}.png`), fullPage: true });
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }));
  for (const violation of violations) found.violations.push(`${name}: ${violation.id}: ${violation.help}: ${violation.nodes.map((node) => node.html).join(' | ')}`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) found.problems.push(`${name}: the page is ${wider} pixels wider than the window`);
}

/** openTool opens a tool by keyboard, as everything here can be. */
async function openTool(server, tool) {
  const summary = article(server).locator('details.tool > summary').filter({ hasText: tool });
  await summary.focus();
  await page.keyboard.press('Enter');
  return article(server).locator('details.tool[open]').filter({ hasText: tool });
}

async function call(tool, args) {
  await tool.getByLabel('Arguments', { exact: true }).fill(args);
  await tool.getByRole('button', { name: 'Call', exact: true }).click();
  await tool.locator('.outcome .badge').first().waitFor();
  return tool.locator('.outcome').innerText();
}

async function start() {
  await page.goto(url);
  await page.locator('#status').filter({ hasText: /^\d+ servers$/ }).waitFor();
}

/** signIn goes through all pages until it is back. */
async function signIn() {
  await article('Orders').getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL((at) => !at.href.startsWith(url));
  for (let i = 0; i < 10 && !page.url().startsWith(url); i++) {
    const before = page.url();
    found.pages.push(await page.title());
    for (const name of ['login', 'password']) {
      const input = page.locator(`input[name=${name}]`);
      if (await input.count() > 0) await input.fill(user);
    }
    await page.locator('button[value=allow], button[type=submit], button').first().click();
    await page.waitForURL((at) => at.href !== before);
  }
  await page.locator('#status').filter({ hasText: /servers$/ }).waitFor();
}

try {
  await start();
  found.health = await page.locator('#health').innerText();
  found.before = await article('Orders').innerText();
  await look('light');

  await page.keyboard.press('/');
  await page.keyboard.type('STOCK');
  await page.locator('#status').filter({ hasText: 'match' }).waitFor();
  found.search = [await page.locator('#status').innerText(), ...await page.locator('article:visible h2, details.tool:visible > summary').allInnerTexts()];
  found.open = await call(await openTool('Shop', 'getStock'), '{"item": "tea"}');
  found.schema = await article('Shop').locator('details.tool[open] table').first().innerText();
  found.wrong = await call(article('Shop').locator('details.tool[open]'), '{');
  await page.getByLabel('Find a server').fill('');

  const cancel = await openTool('Shop', 'cancelOrder');
  found.asked = await call(cancel, '{"id": "9"}');
  await look('asked');
  await cancel.getByLabel('Decision').selectOption('approve');
  await cancel.getByRole('button', { name: 'Answer' }).click();
  await cancel.locator('.outcome .badge.good').waitFor();
  found.approved = await cancel.locator('.outcome').innerText();
  await call(cancel, '{"id": "9"}');
  await cancel.getByRole('button', { name: 'Decline' }).click();
  await cancel.locator('.outcome .badge.bad').waitFor();
  found.refused = await cancel.locator('.outcome').innerText();

  await article('Shop').getByRole('button', { name: 'for mcp.json' }).click();
  found.configuration = await page.evaluate(() => navigator.clipboard.readText());
  await article('Partners').getByRole('button', { name: 'for Cursor' }).click();
  found.cursor = await page.evaluate(() => navigator.clipboard.readText());
  found.install = await article('Partners').getByRole('link', { name: 'Install in VS Code' }).getAttribute('href');

  const partners = article('Partners');
  await partners.getByLabel('Subscription key').fill(key);
  await partners.getByLabel('Debug token').fill(debug);
  await partners.getByRole('button', { name: 'Use these' }).click();
  await partners.locator('details.tool').first().waitFor();
  const stock = await openTool('Partners', 'getStock');
  found.key = await call(stock, '{"item": "tea"}');
  await stock.getByRole('heading', { name: 'What acted' }).waitFor();
  found.trace = await stock.locator('.outcome').innerText();
  await partners.getByRole('button', { name: 'Use these' }).click();
  await partners.getByText(/[1-9] of 100 calls used/).waitFor();
  found.usage = await partners.locator('dl').first().innerText();
  await look('subscription');

  await signIn();
  found.search2 = page.url();
  await article('Orders').locator('details.tool').first().waitFor();
  found.after = await article('Orders').innerText();
  found.signedIn = await call(await openTool('Orders', 'getOrder'), '{"id": "7"}');
  await look('signed-in');
  await page.emulateMedia({ colorScheme: 'dark' });
  await look('dark');
  await page.setViewportSize({ width: 360, height: 740 });
  await look('narrow-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await look('narrow');
} catch (error) {
  await page.screenshot({ path: path.join(folder, 'failed.png'), fullPage: true }).catch(() => {});
  found.problems.push(`${error.stack ?? error} at ${page.url()}`);
} finally {
  await browser.close();
}
console.log(JSON.stringify(found));
