// Looks at a page that is served while its run goes on. Argument: its address. Says `ready` once the first page stands, and wants the
// run to be over then.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const [address] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), 'retrial-live-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.RETRIAL_CHROMIUM || '/usr/bin/chromium',
  headless: true,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
try {
  const page = await context.newPage();
  const faults = [];
  page.on('console', (message) => { if (message.type() === 'error') faults.push(message.text()); });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => { if (!request.url().startsWith(address)) faults.push(`request of ${request.url()}`); });
  await page.goto(address);
  const live = page.locator('#live');
  await live.filter({ hasText: '2 of 4 trials have finished; the run goes on.' }).waitFor();
  await page.evaluate(() => document.querySelector('.trial-grid').scrollIntoView());
  await page.waitForSelector('.trial-grid button.state');
  await page.selectOption('.trial-grid select >> nth=0', 'failed');
  await page.click('#theme');
  const theme = await page.evaluate(() => document.documentElement.dataset.theme);
  // Nobody is in the middle of something any more.
  await page.evaluate(() => document.activeElement.blur());
  const first = await page.evaluate(() => document.documentElement.dataset.version);
  process.stdout.write('ready\n');
  await page.waitForFunction((before) => document.documentElement.dataset.version !== before, first);
  await live.filter({ hasText: '4 of 4 trials have finished; the run is over.' }).waitFor();
  await page.evaluate(() => document.querySelector('.trial-grid').scrollIntoView());
  await page.waitForSelector('.trial-grid select');
  assert.equal(await page.inputValue('.trial-grid select >> nth=0'), 'failed', 'what was chosen is lost');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme, 'the theme is lost');
  assert.deepEqual(faults, []);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
