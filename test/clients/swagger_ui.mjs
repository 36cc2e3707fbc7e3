// A person's way through Swagger UI, in Chromium; run.sh calls it beside a server:
//
//   node swagger_ui.mjs FOLDER-WITH-PLAYWRIGHT CHROMIUM
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const QUESTION = 'What is an Inference Endpoint?';
const [modules, executablePath] = process.argv.slice(2);
const { chromium } = createRequire(modules)('playwright-core');
const { port } = new URL(process.env.ROOST_URL);
// Not as localhost, on which Swagger UI and Chromium do less: as a server elsewhere.
const HOST = 'roost.test';
const origin = `http://${HOST}:${port}`;

const counts = { passed: 0, failed: 0 };
const seen = { elsewhere: [], refused: [], console: [] };

const browser = await chromium.launch({
  executablePath,
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--host-resolver-rules=MAP ${HOST} 127.0.0.1, MAP * ~NOTFOUND`,
  ],
});
try {
  await visit(await browser.newPage({ viewport: { width: 1280, height: 1600 } }));
} catch (error) {
  report('the visit goes to its end', error);
} finally {
  await browser.close();
}
if (process.env.ROOST_CLIENTS_COUNTS) {
  appendFileSync(process.env.ROOST_CLIENTS_COUNTS, `${counts.passed} ${counts.failed}\n`);
}
process.exitCode = counts.failed > 0 ? 1 : 0;

async function visit(page) {
  watch(page);
  await page.goto(`${origin}/docs`);
  const operation = page.locator('.opblock-post', { has: page.locator('[data-path="/generate"]') });
  await operation.waitFor();

  await check('shows every route', async () => {
    const paths = await page.locator('.opblock [data-path]').evaluateAll((all) => all.map((one) => one.dataset.path));
    const documented = await (await fetch(`${process.env.ROOST_URL}/openapi.json`)).json();
    assert.deepEqual([...new Set(paths)].sort(), Object.keys(documented.paths).sort());
  });
  await check('reads the document without an error', async () => {
    assert.equal(await page.locator('.errors-wrapper').count(), 0);
  });

  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  await check('has an example that works as it is', async () => {
    assert.equal((await execute(page, operation)).status, 200);
  });
  await check('shows the answer to a prompt', async () => {
    await operation.locator('textarea.body-param__text').fill(JSON.stringify({ prompt: QUESTION }));
    const { status, body } = await execute(page, operation);
    assert.equal(status, 200);
    assert.deepEqual(body, golden());
  });
  if (process.env.ROOST_CLIENTS_SCREENSHOT) {
    // As much as the window shows: the question and its answer, not the pages of schemas below.
    await page.locator('.topbar').scrollIntoViewIfNeeded();
    await page.screenshot({ path: process.env.ROOST_CLIENTS_SCREENSHOT });
  }

  await check('asks nobody else', () => assert.deepEqual(seen.elsewhere, []));
  await check('gets all that it asks for', () => assert.deepEqual(seen.refused, []));
  await check('logs no error', () => assert.deepEqual(seen.console, []));
}

/** Presses "Execute"; what the page then shows of the answer. */
async function execute(page, operation) {
  const answered = page.waitForResponse((response) => new URL(response.url()).pathname === '/generate');
  await operation.getByRole('button', { name: 'Execute' }).click();
  const sent = await (await answered).json();
  const row = operation.locator('.live-responses-table tbody tr.response');
  const body = row.locator('.highlight-code pre');
  // The page is done when it shows this answer, not the one before.
  await body.filter({ hasText: JSON.stringify(sent.response).slice(1, -1) }).waitFor();
  return {
    status: Number((await row.locator('.response-col_status').innerText()).trim()),
    body: JSON.parse(await body.textContent()),
  };
}

function watch(page) {
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.protocol !== 'data:' && url.protocol !== 'blob:' && url.origin !== origin) seen.elsewhere.push(url.href);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) seen.refused.push(`${response.status()} ${response.url()}`);
  });
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') seen.console.push(message.text());
  });
  page.on('pageerror', (error) => seen.console.push(String(error)));
}

/** What torch and transformers answered. */
function golden() {
  const { cases } = JSON.parse(readFileSync(new URL('../../models/demo/golden.json', import.meta.url), 'utf8'));
  const { text, input_ids, output_ids } = cases.find(({ messages, tools, template }) => {
    return messages.length === 1 && messages[0].content === QUESTION && !tools && !template;
  });
  return { response: text, input_token_count: input_ids.length, output_token_count: output_ids.length };
}

async function check(name, test) {
  try {
    await test();
    report(name);
  } catch (error) {
    report(name, error);
  }
}

function report(name, error) {
  counts[error ? 'failed' : 'passed']++;
  console.log(error ? `  FAILED: ${name}\n    ${error.message.replaceAll('\n', '\n    ')}` : `  ok: ${name}`);
}
