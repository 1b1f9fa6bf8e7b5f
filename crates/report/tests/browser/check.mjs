// Checks a page in Chromium. Arguments: the page, the report's JSON, `small` or `large`, and optionally a directory for screenshots.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';

const [page_path, report_path, size, screenshots] = process.argv.slice(2);
const address = pathToFileURL(page_path).href;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const report = JSON.parse(readFileSync(report_path, 'utf8'));
const WIDTHS = [360, 768, 1440];

const profile = mkdtempSync(join(tmpdir(), 'retrial-page-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.RETRIAL_CHROMIUM || '/usr/bin/chromium',
  headless: true,
  viewport: { width: 1440, height: 900 },
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});

/** Opens the page and collects what must not happen. */
async function open(hash = '') {
  const page = await context.newPage();
  page.faults = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) page.faults.push(message.text()); });
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('request', (request) => { if (!request.url().startsWith(address)) page.faults.push(`request of ${request.url()}`); });
  await page.goto(address + hash);
  return page;
}

async function close(page) {
  assert.equal(await page.evaluate(() => window.hostile), undefined, 'hostile text was executed');
  assert.deepEqual(page.faults, []);
  await page.close();
}

const fill = async (page) => {
  await page.evaluate(() => document.querySelector('.trial-grid').scrollIntoView());
  await page.waitForSelector('.trial-grid button.state');
};

async function looks() {
  for (const colorScheme of ['light', 'dark']) {
    for (const width of WIDTHS) {
      const page = await open();
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.setViewportSize({ width, height: 900 });
      await fill(page);
      await page.evaluate(() => { for (const one of document.querySelectorAll('details')) one.open = true; });
      await wide(page, width);
      if (width === 1440 || (width === 360 && colorScheme === 'light')) await accessible(page, 'main, header, nav, footer', `${width} px, ${colorScheme}`);
      if (screenshots) {
        await page.evaluate(() => { for (const one of document.querySelectorAll('main details')) one.open = one.matches('.tree:first-of-type, .tree:first-of-type details'); });
        await page.evaluate(() => scrollTo(0, 0));
        await page.screenshot({ path: join(screenshots, `${size}-${width}-${colorScheme}.png`), fullPage: true });
      }
      await page.evaluate(() => document.querySelector('.trial-grid button.state').click());
      await page.waitForSelector('#trial .timeline, #trial .undefined');
      await wide(page, width);
      await accessible(page, '#trial', `the dialog, ${width} px, ${colorScheme}`);
      if (screenshots) {
        await page.evaluate(() => {
          const select = document.querySelector('#trial select');
          if (select) { select.selectedIndex = 2; select.dispatchEvent(new Event('change')); }
        });
        await page.screenshot({ path: join(screenshots, `${size}-dialog-${width}-${colorScheme}.png`) });
      }
      await close(page);
    }
  }
}

async function wide(page, width) {
  const [scrolled, offender] = await page.evaluate(() => {
    const limit = document.documentElement.clientWidth;
    const inside = (element) => element.closest('.scroll, pre, dialog:not([open])');
    const wider = [...document.body.querySelectorAll('*')].find((one) => one.getBoundingClientRect().right > limit + 1 && !inside(one));
    return [document.documentElement.scrollWidth, wider ? wider.outerHTML.slice(0, 200) : ''];
  });
  assert.ok(scrolled <= width, `the page is ${scrolled} px wide at ${width}: ${offender}`);
}

async function accessible(page, what, where) {
  // Not through a script element, which the page's policy refuses.
  await page.evaluate(axe);
  const found = await page.evaluate(async (selectors) => {
    const result = await window.axe.run({ include: selectors.split(', ').map((one) => [one]) }, { resultTypes: ['violations'] });
    return result.violations.filter((one) => ['serious', 'critical'].includes(one.impact))
      .map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
  }, what);
  assert.deepEqual(found, [], `accessibility, ${where}`);
}

async function numbers() {
  const page = await open();
  const shown = await page.evaluate(() => [...document.querySelectorAll('[data-value]')].map((one) => [one.dataset.at, one.dataset.value]));
  assert.ok(shown.length > 100, `only ${shown.length} numbers carry their raw value`);
  const wrong = shown.filter(([at, value]) => {
    const found = at.split('/').slice(1).reduce((node, key) => node?.[key], report);
    return typeof found !== 'number' || found !== JSON.parse(value);
  });
  assert.deepEqual(wrong.slice(0, 5), [], `${wrong.length} of ${shown.length} numbers differ from the report`);
  console.log(`${shown.length} numbers are those of the report`);
  await close(page);
}

async function by_click() {
  const page = await open();
  await fill(page);
  const cell = page.locator('.trial-grid button.state').first();
  await cell.click();
  await page.waitForSelector('#trial[open] .timeline');
  assert.match(page.url(), /#trial=0:/);
  await page.locator('#trial select').selectOption({ index: 1 });
  const marks = await page.locator('#trial .diff tbody tr').evaluateAll((rows) => rows.map((row) => row.querySelector('.mark').textContent));
  assert.ok(marks.length > 0 && marks.every((mark) => ['same', 'only left', 'only right'].includes(mark)), marks.join());
  // What is marked must be true: left and right are the same action exactly where it says so.
  const honest = await page.locator('#trial .diff tbody tr').evaluateAll((rows) => rows.every((row) => {
    const [left, right] = [row.cells[1].textContent, row.cells[3].textContent];
    return { same: left === right, 'only left': left && !right, 'only right': right && !left }[row.querySelector('.mark').textContent];
  }));
  assert.ok(honest, 'the alignment says what is not so');
  if (size === 'small') {
    const details = page.locator('#trial details[data-part="patch.diff"]');
    await details.locator('summary').click();
    assert.match(await details.locator('pre').textContent(), /<script>/);
    await page.locator('#trial details[data-part="verifier.log"] summary').click();
    assert.doesNotMatch(await page.locator('#trial details[data-part="verifier.log"] pre').textContent(), /\u001b/);
    await page.locator('#trial details[data-part="steps"] summary').click();
    assert.ok(await page.locator('#trial .steps li').count() > 0);
  }
  await page.locator('#trial-close').click();
  assert.ok(await cell.evaluate((one) => one === document.activeElement), 'focus does not return');
  assert.doesNotMatch(page.url(), /#trial/);
  await close(page);
}

async function by_keyboard() {
  const page = await open();
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'skip');
  await page.keyboard.press('Enter');
  await fill(page);
  const focused = () => page.evaluate(() => document.activeElement.dataset?.trial || document.activeElement.id || document.activeElement.tagName);
  for (let presses = 0; presses < 400 && !(await focused()).startsWith('#trial='); presses += 1) await page.keyboard.press('Tab');
  const first = await focused();
  assert.match(first, /^#trial=/, 'the Tab key does not reach the grid');
  await page.keyboard.press('ArrowRight');
  const second = await focused();
  assert.notEqual(first, second);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  assert.equal(await focused(), second);
  await page.keyboard.press('Enter');
  await page.waitForSelector('#trial[open] .timeline');
  for (let presses = 0; presses < 40 && (await focused()) !== 'SELECT'; presses += 1) await page.keyboard.press('Tab');
  assert.equal(await focused(), 'SELECT');
  await page.keyboard.press('ArrowDown');
  await page.waitForSelector('#trial .diff tbody tr');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.getElementById('trial').open), false);
  assert.equal(await focused(), second, 'focus does not return');
  await page.keyboard.press('Tab');
  assert.doesNotMatch(await focused(), /^#trial=/, 'the grid is more than one stop of the Tab key');
  await close(page);
}

async function by_address() {
  const card = report.runs[0].scored.scorecards[0];
  const task = report.runs[0].scored.run.tasks[0].name;
  const page = await open(`#trial=0:${task}~${card.agent}~${card.condition}~2`);
  await page.waitForSelector('#trial[open] .timeline');
  assert.equal(await page.locator('#trial-title').textContent(), `${task}, trial 2`);
  await page.keyboard.press('Escape');
  for (const bad of ['#trial=0:%E0%A4%A~a~b~1', '#trial=9:a~b~c~1', '#trial=0:no-such-task~a~b~1']) {
    await page.evaluate((hash) => { location.hash = hash; }, bad);
    assert.equal(await page.evaluate(() => document.getElementById('trial').open), false, bad);
  }
  await page.evaluate((hash) => { location.hash = hash; }, `#trial=0:${task}~${card.agent}~${card.condition}~2`);
  await page.waitForSelector('#trial[open] .timeline');
  await page.locator('#trial-before').click();
  assert.equal(await page.locator('#trial-title').textContent(), `${task}, trial 1`);
  await close(page);
}

async function lists() {
  const page = await open();
  await fill(page);
  const grid = page.locator('.trial-grid').first();
  const tasks = report.runs[0].scored.run.tasks;
  await grid.locator('input').fill(tasks[tasks.length - 1].name + ' #2');
  assert.equal(await grid.locator('tbody tr').count(), 1);
  assert.equal(await grid.locator('tbody button').count(), 1);
  await grid.locator('input').fill('no such task');
  assert.equal(await grid.locator('tbody tr').count(), 0);
  await grid.locator('input').fill('');
  await grid.locator('select').nth(1).selectOption('worst');
  const shares = await grid.locator('tbody tr').evaluateAll((rows) => rows.map((row) => {
    const [passed, graded] = row.cells[2].textContent.split(' of ').map(Number);
    return graded ? passed / graded : -1;
  }));
  assert.deepEqual(shares, [...shares].sort((a, b) => a - b));
  const theme = page.locator('#theme');
  const before = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await theme.click();
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), before);
  await close(page);
}

async function print() {
  const page = await open();
  await page.emulateMedia({ media: 'print' });
  await page.setViewportSize({ width: 720, height: 1000 });
  await page.evaluate(() => dispatchEvent(new Event('beforeprint')));
  const closed = await page.locator('main details:not([open]):not(.long)').count();
  assert.equal(closed, 0, 'printing leaves details folded');
  if (screenshots) await page.pdf({ path: join(screenshots, `${size}.pdf`) });
  await close(page);
}

async function speed() {
  const page = await open();
  const times = await page.evaluate(() => new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(() => {
      const paint = performance.getEntriesByName('first-contentful-paint')[0];
      const load = performance.getEntriesByType('navigation')[0];
      resolve([paint?.startTime, load.domContentLoadedEventEnd]);
    }, 100));
  }));
  console.log(`first paint after ${Math.round(times[0])} ms, ready after ${Math.round(times[1])} ms`);
  const cells = await page.locator('button.state').count();
  assert.ok(cells <= 500, `${cells} cells are built at first`);
  await close(page);
}

try {
  const checks = size === 'large' ? [speed, numbers, by_click, lists] : [numbers, by_click, by_keyboard, by_address, lists, print, looks];
  for (const check of checks) {
    await check();
    console.log(`${check.name}: good`);
  }
  if (size === 'large' && screenshots) await looks();
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
