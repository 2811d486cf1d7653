import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { isBuiltin } from 'node:module';
import type { AddressInfo } from 'node:net';
import { basename, extname, join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Page, chromium as playwright } from 'playwright-core';
import { build, type Plugin } from 'vite';

const engine = 'node_modules/onnxruntime-web/dist';
const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
};

/** Vite would put empty modules in the place of Node's; code of ours that a page loads must need none. */
const withoutNode: Plugin = {
  name: 'without-node',
  enforce: 'pre',
  resolveId(id, importer) {
    if (isBuiltin(id) && !importer?.includes('node_modules')) throw new Error(`${importer} imports ${id}`);
    return null;
  },
};

/** A page in a browser, ready when its script has set `run`. */
export interface OpenPage {
  readonly tab: Page;
  /** Messages of errors that nothing caught. */
  readonly errors: readonly string[];
  close(): Promise<void>;
}

/**
 * Bundles a script, what a user of the library writes against the built package, and opens it in Chromium. ONNX Runtime's files are under
 * `/engine/`, further ones where `files` says. `policy` is the page's content security policy.
 */
export async function openPage(
  name: string,
  script: string,
  {
    files = {},
    flags = [],
    policy,
  }: { readonly files?: Record<string, string>; readonly flags?: readonly string[]; readonly policy?: string } = {},
): Promise<OpenPage> {
  const bundle = join('out', name);
  await mkdir(bundle, { recursive: true });
  await writeFile(join(bundle, 'page.js'), script);
  await writeFile(join(bundle, 'index.html'), '<!doctype html><script type="module" src="/page.js"></script>');
  await build({
    root: bundle,
    logLevel: 'error',
    configFile: false,
    plugins: [withoutNode],
    build: { target: 'es2022' },
  });
  const fileOf = (path: string): string => {
    if (path in files) return files[path] as string;
    if (path.startsWith('/engine/')) return join(engine, basename(path));
    return join(bundle, 'dist', path === '/' ? 'index.html' : path);
  };
  const server = createServer((request, response) => {
    const file = fileOf(new URL(request.url ?? '/', 'http://localhost').pathname);
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    if (policy !== undefined) response.setHeader('content-security-policy', policy);
    createReadStream(file)
      .on('error', () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>(resolve => server.listen(0, 'localhost', resolve));
  const browser = await playwright.launch({
    executablePath: await chromium.executablePath(),
    args: [...chromium.args, ...flags],
    headless: true,
  });
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on('pageerror', error => errors.push(error.message));
  await tab.goto(`http://localhost:${(server.address() as AddressInfo).port}/`);
  await tab.waitForFunction(() => 'run' in globalThis);
  return {
    tab,
    errors,
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
