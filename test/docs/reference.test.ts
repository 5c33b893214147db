/** Tests that docs/reference agrees with the code, and that its handwritten page of error codes has every code. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../fixtures/project.js';
import { describedCodes, referencePages } from './reference.js';

/** Environment variables whose names look like codes. */
const VARIABLES = new Set(['PORTICO_WORKER', 'PORTICO_WORKER_ID', 'PORTICO_TIMEOUT', 'PORTICO_TYPES']);

/** Returns the codes in the source. */
function codesInSource(): ReadonlySet<string> {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' });
  const sources = files.filter((file) => file.endsWith('.ts'));
  const written = sources.flatMap((file) => {
    const code = readFileSync(join(root, 'src', file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
    return [...code.matchAll(/'(PORTICO_[A-Z0-9_]*[A-Z0-9])'/g)].map(([, name]) => name!);
  });
  // `PORTICO_<GROUP>__<OPTION>` sets an option.
  return new Set(written.filter((name) => !VARIABLES.has(name) && !name.includes('__')));
}

test('CF-95 docs/reference and paste/portico.ini are what the code says; npm run docs:reference writes them anew', async () => {
  const stale = [...(await referencePages())].filter(([path, text]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
  assert.deepEqual(
    stale.map(([path]) => path),
    [],
  );
});

test('OP-20 docs/reference/errors.md describes every error code with cause and remedy, once, and none that there is not', () => {
  const described = describedCodes();
  const used = codesInSource();
  assert.ok(used.size > 200, String(used.size));
  const undescribed = [...used].filter((code) => !described.includes(code));
  assert.deepEqual(undescribed, [], 'not described');
  const gone = described.filter((code) => !used.has(code));
  assert.deepEqual(gone, [], 'described, and not in the code');
  assert.equal(described.length, new Set(described).size, 'described once');
});

test('each factory of portico/middleware is on a page of filters', async () => {
  // Imported here: the pages list options in the order in which the modules of reference.ts declare them.
  const middleware = await import('../../dist/middleware/index.js');
  const folder = join(root, 'docs/reference/filters');
  const pages = readdirSync(folder).map((page) => readFileSync(join(folder, page), 'utf8'));
  const factories = Object.entries(middleware).filter(([, value]) => 'group' in Object(value));
  assert.ok(factories.length > 25, String(factories.length));
  assert.deepEqual(
    factories.map(([name]) => name).filter((name) => !pages.some((page) => new RegExp(`[:\`]${name}\\b`).test(page))),
    [],
  );
});
