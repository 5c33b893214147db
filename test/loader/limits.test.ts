/** Tests files that expand without bound and randomly broken files: each fails at once, with a location. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Loader } from 'portico/loader';
import { PasteError } from '#internal/loader';
import { loaderOf } from './composed.js';
import { folderOf } from './folder.js';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
const factories = { a: () => () => undefined, f: () => (inner: unknown) => inner };

const from = (text: string | Uint8Array, more: Readonly<Record<string, string>> = {}) =>
  new Loader('/etc/a.ini', {
    readFile: (path) => {
      const found = path === '/etc/a.ini' ? text : more[path];
      if (found === undefined) throw Object.assign(new Error('none'), { code: 'ENOENT' });
      return typeof found === 'string' ? Buffer.from(found) : found;
    },
  });

const limit = (says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PasteError, String(error));
  assert.equal(error.code, 'PORTICO_PASTE_LIMIT');
  assert.match(error.message, says);
  return true;
};

test('PD-167 a file may have 1 MiB and 10,000 sections', () => {
  const app = '[app:main]\npaste.app_factory = a\n';
  assert.ok(from(app + '#'.repeat(1_048_576 - app.length)).has('main'));
  assert.throws(() => from(app + '#'.repeat(1_048_577 - app.length)), limit(/1048577 bytes/));
  const sections = (count: number) => Array.from({ length: count }, (_, at) => `[app:x${at}]\n`).join('');
  assert.ok(from(sections(10_000)).has('x9999'));
  assert.throws(() => from(sections(10_001)), limit(/10001 sections/));
});

test('PD-167 a value may grow to 1 MiB by interpolation, and says where it went beyond', () => {
  const doubling = (steps: number, seed: string) =>
    Array.from({ length: steps }, (_, at) => `x${at} = ${`%(x${at + 1})s`.repeat(12)}`).join('\n') +
    `\nx${steps} = ${seed}\n`;
  assert.throws(
    () => from(`[app:main]\nset big = 1\n${doubling(8, 'y')}`).appConfig(),
    (error: unknown) => {
      limit(/1048576 characters/)(error);
      assert.equal((error as PasteError).origin?.line, 3);
      return true;
    },
  );
  assert.throws(() => from(`[app:main]\n${doubling(9, '')}`).appConfig(), limit(/characters/));
});

test('PD-167 all values together have a limit', () => {
  const lines = Array.from({ length: 400 }, (_, at) => `y${at} = %(big)s`).join('\n');
  assert.throws(
    () => from(`[app:main]\npaste.app_factory = a\nbig = ${'x'.repeat(100_000)}\n${lines}\n`).appConfig(),
    limit(/all values together/),
  );
});

test('PD-167 a load may open 1,000 files', () => {
  const self = '[app:main]\nuse = config:a.ini\nset x = %(x)sa\n[DEFAULT]\nx = b\n';
  assert.throws(
    () => from(self).appConfig(),
    (error: unknown) => error instanceof PasteError && /CYCLE|LIMIT/.test(error.code),
  );
  const growing = '[app:main]\nuse = config:b.ini\nset x = a\n';
  const more = { '/etc/b.ini': '[app:main]\nuse = config:b.ini\nset x = %(x)sa\n' };
  assert.throws(() => from(growing, more).appConfig(), limit(/1000 files|nested references/));
});

test('PD-167 mounts of mounts of mounts end with an error', async () => {
  const maps = Array.from(
    { length: 40 },
    (_, at) => `[composite:m${at}]\npaste.composite_factory = urlmap\n/a = m${at + 1}\n/b = m${at + 1}\n`,
  ).join('');
  const ini = `[pipeline:main]\npipeline = m0\n${maps}[app:m40]\npaste.app_factory = a\n`;
  await assert.rejects(loaderOf(ini, factories).loadApp(), limit(/1840 apps and filters/));
});

test('PD-71 an entry point that mounts itself is a cycle', async () => {
  const ini = '[DEFAULT]\nnot_found_app = egg:Paste#urlmap\n[composite:main]\nuse = egg:Paste#urlmap\n';
  const folder = folderOf({ 'api-paste.ini': ini });
  await assert.rejects(new Loader(join(folder, 'api-paste.ini')).loadApp(), {
    code: 'PORTICO_PASTE_CYCLE',
    message: /egg:Paste#urlmap leads to egg:Paste#urlmap: this is a cycle/,
  });
});

test('PD-71 a chain of hundreds of sections is no cycle', async () => {
  const chain = Array.from({ length: 350 }, (_, at) => `[app:x${at}]\nuse = x${at + 1}\n`).join('');
  const app = await loaderOf(`[app:main]\nuse = x0\n${chain}[app:x350]\npaste.app_factory = a\n`, factories).loadApp();
  assert.equal(typeof app, 'function');
  const endless = Array.from({ length: 3000 }, (_, at) => `[app:x${at}]\nuse = x${at + 1}\n`).join('');
  await assert.rejects(
    loaderOf(`[app:main]\nuse = x0\n${endless}`, factories).loadApp(),
    limit(/400 nested references/),
  );
});

test('any mutated file loads or is refused with a location; check never fails', async () => {
  const cases = readFileSync(join(root, 'test', 'golden', 'paste-cases.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => Object.values((JSON.parse(line) as { files: Record<string, unknown> }).files))
    .filter((file): file is string => typeof file === 'string');
  const resolver = {
    expression: () => () => () => undefined,
    distribution: () => ({ 'paste.app_factory': { main: () => () => undefined } }),
  };
  const piece = fc.constantFrom(
    '%',
    '%(x)s',
    '[',
    ']',
    '=',
    ':',
    '\n',
    '\r',
    ' ',
    '\t',
    '#',
    'use',
    'config:a.ini',
    'egg:',
    'call:',
    'main',
    '\u0085',
    '\0',
    'set ',
    'get ',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...cases),
      fc.array(fc.tuple(fc.nat(), piece, fc.nat(6)), { minLength: 1, maxLength: 4 }),
      async (text, edits) => {
        let mutated = text;
        for (const [location, insert, remove] of edits) {
          const at = location % (mutated.length + 1);
          mutated = mutated.slice(0, at) + insert + mutated.slice(at + remove);
        }
        const readFile = (path: string) => {
          if (!path.endsWith('a.ini')) throw Object.assign(new Error('none'), { code: 'ENOENT' });
          return Buffer.from(mutated);
        };
        for (const finding of await Loader.checkFile('/etc/a.ini', { readFile, resolve: resolver })) {
          const { line, column } = finding.location!.origin!;
          assert.ok(line >= 1 && column >= 1 && finding.code.startsWith('PORTICO_'), mutated);
        }
        try {
          await new Loader('/etc/a.ini', { readFile, resolve: resolver }).load('app', 'main');
        } catch (error) {
          assert.ok(error instanceof PasteError, `${String(error)}\n${mutated}`);
          const asked = error.origin === undefined && /NO_SECTION|AMBIGUOUS_SECTION/.test(error.code);
          assert.ok(asked || (error.origin?.line ?? 0) >= 1, `${error.message}\n${mutated}`);
        }
      },
    ),
    { numRuns: Number(process.env.PORTICO_FUZZ_RUNS ?? 400) },
  );
});
