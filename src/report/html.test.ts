import chromium from '@sparticuz/chromium';
import { type Browser, chromium as browsers, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { renderHtml } from './html.js';
import { hostileReport, sampleReport, typicalReport } from './sample-report.js';

describe('renderHtml', () => {
  test('needs nothing from elsewhere and lets nothing but its own script run', () => {
    const page = renderHtml(typicalReport());
    expect(/<link|<img|@import|url\(|src=|\son\w+=|\sstyle=/.exec(page)).toBeNull();
    expect(page.match(/<script\b/g)).toHaveLength(2);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(page).toContain("default-src 'none'");
  });

  test('hostile names close no element and open none', () => {
    const page = renderHtml(hostileReport());
    expect(page.match(/<script\b/g)).toHaveLength(2);
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    expect(/<img|<b>|(?![\n\t])[\p{Cc}\p{Cf}]/u.test(page)).toBe(false);
  });

  test('a model without rectifiers makes a page without tables', () => {
    const page = renderHtml(sampleReport({ layers: 0, unitsPerLayer: () => 0, samples: 5 }));
    expect(page).toContain('The model has no rectifier');
    expect(page).not.toContain('<table');
  });

  test('synthetic data is told at the top and at the bottom', () => {
    const page = renderHtml(sampleReport({ layers: 1, unitsPerLayer: () => 2, samples: 5, synthetic: true }));
    expect(page.match(/SYNTHETIC INPUTS/g)).toHaveLength(2);
  });
});

describe('in a browser', () => {
  let browser: Browser;
  const troubles: string[] = [];

  beforeAll(async () => {
    // A browser of a single process would end with its first page.
    const args = chromium.args.filter(arg => arg !== '--single-process');
    browser = await browsers.launch({ executablePath: await chromium.executablePath(), args });
  });
  afterAll(() => browser?.close());

  /** A page with a report in it; whatever goes wrong there is kept in `troubles`. */
  async function open(html: string, options: { width?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
    troubles.length = 0;
    const page = await browser.newPage({
      viewport: { width: options.width ?? 1280, height: 800 },
      colorScheme: options.colorScheme ?? 'light',
    });
    page.on('console', message => troubles.push(message.text()));
    page.on('pageerror', error => troubles.push(String(error)));
    page.on('dialog', dialog => {
      troubles.push(`dialog ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.route('**/*', route => {
      if (route.request().url() === 'http://report.test/')
        return route.fulfill({ body: html, contentType: 'text/html' });
      troubles.push(`request ${route.request().url()}`);
      return route.abort();
    });
    await page.goto('http://report.test/');
    return page;
  }

  const column = (page: Page, n: number) =>
    page.$$eval(`#unit-table tbody tr:not(.why) > :nth-child(${n})`, cells => cells.map(cell => cell.textContent!));
  const status = (page: Page) => page.textContent('#unit-status');

  test('loads without errors or requests and lists the worst units first', async () => {
    const page = await open(renderHtml(typicalReport()));
    expect(await status(page)).toBe('1–100 of 4,160 units');
    expect((await column(page, 3))[0]).toBe('vanished');
    expect(await page.locator('figure svg:visible').count()).toBe(3);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('sorts by keyboard and says so', async () => {
    const page = await open(renderHtml(typicalReport()));
    await page.focus('#unit-table button[data-key="bias"]');
    await page.keyboard.press('Enter');
    expect(await page.getAttribute('#unit-table th:has([data-key="bias"])', 'aria-sort')).toBe('ascending');
    expect(await page.locator('#unit-table th[aria-sort]').count()).toBe(1);
    const numbers = (await column(page, 12)).map(text => Number(text.replace('−', '-')));
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    await page.keyboard.press('Space');
    expect(await page.getAttribute('#unit-table th:has([data-key="bias"])', 'aria-sort')).toBe('descending');
    expect(Number((await column(page, 12))[0])).toBeCloseTo(0.5, 2);
    await page.focus('#layer-table thead button >> nth=3');
    await page.keyboard.press('Enter');
    expect(await page.locator('#layer-table tbody tr >> nth=0').locator('td >> nth=2').textContent()).toBe('160');
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('filters by layer, verdict and text, turns pages, and announces the number of rows', async () => {
    const report = typicalReport();
    const page = await open(renderHtml(report));
    await page.selectOption('#filter-verdict', 'silent');
    expect(await status(page)).toBe(`${report.totals.counts.silent} units (4,160 in all)`);
    await page.selectOption('#filter-layer', '12');
    expect(await status(page)).toBe(`${report.layers[12]!.counts.silent} units (4,160 in all)`);
    expect(await page.textContent('#layer-about')).toContain(report.layers[12]!.name);
    await page.fill('#filter-text', 'no such thing');
    expect(await status(page)).toBe('No unit matches (4,160 in all)');
    await page.selectOption('#filter-layer', '');
    await page.selectOption('#filter-verdict', 'any');
    await page.fill('#filter-text', 'stage1 ReLU');
    expect(await status(page)).toBe('1–100 of 288 units (4,160 in all)');
    await page.click('[data-page="last"]');
    expect(await status(page)).toBe('201–288 of 288 units (4,160 in all)');
    expect(await page.isDisabled('[data-page="next"]')).toBe(true);
    expect(await page.getAttribute('#unit-status', 'role')).toBe('status');
    await page.fill('#filter-text', '');
    await page.click('#layer-table a[data-layer="20"]');
    expect(await status(page)).toBe('96 units (4,160 in all)'.replace('96', String(report.layers[20]!.units.length)));
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('fits a screen of 360 pixels, with the narrow figures', async () => {
    for (const report of [typicalReport(), hostileReport()]) {
      const page = await open(renderHtml(report), { width: 360 });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360);
      expect(await page.locator('.narrow svg:visible').count()).toBe(3);
      expect(await page.locator('.wide svg:visible').count()).toBe(0);
      await page.close();
    }
  });

  test('hostile names are shown and do nothing', async () => {
    const page = await open(renderHtml(hostileReport()));
    expect(await page.textContent('h1')).toBe('script>');
    expect(await page.textContent('.facts dd')).toContain('</script><script>alert(1)</script>');
    await page.fill('#filter-text', '<img');
    expect(await column(page, 1)).toContain('"><img src=x onerror=alert(1)>');
    expect(await page.locator('img, script:not(:last-of-type):not(#unit-data)').count()).toBe(0);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('follows the system to dark and the reader back to light', async () => {
    const page = await open(renderHtml(typicalReport()), { colorScheme: 'dark' });
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const bar = () => page.$eval('.wide g[aria-label="bar"] rect', rect => getComputedStyle(rect).fill);
    expect(await ground()).toBe('rgb(19, 21, 23)');
    const darkBar = await bar();
    await page.focus('#theme');
    await page.keyboard.press('Enter');
    expect(await ground()).toBe('rgb(253, 253, 252)');
    expect(await bar()).not.toBe(darkBar);
    expect(troubles).toEqual([]);
    await page.close();
  });

  test('stays quick with 100,000 units', async () => {
    const report = sampleReport({
      layers: 100,
      unitsPerLayer: () => 1000,
      samples: 500,
      verdictWeights: () => ({ silent: 0.1, rare: 0.1 }),
    });
    const page = await open(renderHtml(report));
    const milliseconds = await page.evaluate(() => {
      const start = performance.now();
      document.querySelector<HTMLButtonElement>('#unit-table button[data-key="mean"]')!.click();
      const text = document.querySelector<HTMLInputElement>('#filter-text')!;
      text.value = 'bias';
      text.dispatchEvent(new Event('input'));
      return performance.now() - start;
    });
    expect(await status(page)).toMatch(/^1–100 of [\d,]+ units \(100,000 in all\)$/);
    expect(milliseconds).toBeLessThan(2000);
    await page.close();
  });
});
