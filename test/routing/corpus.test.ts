import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

interface Definition {
  readonly id: string;
  readonly title: string;
  readonly expected: { readonly results?: readonly unknown[]; readonly definition_error?: boolean };
}

const root = fileURLToPath(new URL('../../', import.meta.url));
const candidate = join(root, 'test/golden/describe-routes.mjs');
const whole = join(root, '../shared/golden/routes');

/** What the candidate answers to definitions, one line each. */
function answers(definitions: readonly Definition[]): unknown[] {
  const input = definitions.map(({ expected: _expected, ...asked }) => JSON.stringify(asked)).join('\n');
  const run = spawnSync(process.execPath, [candidate], { cwd: root, input, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(run.stderr, '');
  return run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function compare(definitions: readonly Definition[]): void {
  const given = answers(definitions);
  assert.equal(given.length, definitions.length);
  for (const [index, { id, title, expected }] of definitions.entries()) {
    assert.deepEqual(given[index], { id, ...expected }, `${id}: ${title}`);
  }
}

test('RT-1 RT-126 RT-127 tables answer as Routes 2.5.1 answered them', () => {
  const lines = readFileSync(join(root, 'test/golden/routes.jsonl'), 'utf8').trimEnd().split('\n');
  compare(lines.map((line) => JSON.parse(line) as Definition));
});

test('RT-131 the whole corpus passes', { skip: existsSync(whole) ? false : 'the corpus is not here' }, () => {
  for (const name of readdirSync(whole).filter((file) => file.endsWith('.json'))) {
    const { definitions } = JSON.parse(readFileSync(join(whole, name), 'utf8')) as { definitions: Definition[] };
    compare(definitions.map(({ id, title, expected, ...rest }) => ({ ...rest, id, title, expected })));
  }
});

test('RT-126 one definition is one document, over several lines as well', () => {
  const input = JSON.stringify(
    {
      id: 'one',
      calls: [{ op: 'connect', args: ['/a/{b}'], kwargs: { controller: 'c', action: 'd' } }],
      probes: [{ kind: 'match', path: '/a/1' }],
    },
    null,
    2,
  );
  const run = spawnSync(process.execPath, [candidate], { cwd: root, input, encoding: 'utf8' });
  assert.deepEqual(JSON.parse(run.stdout), {
    id: 'one',
    results: [{ match: { b: '1', controller: 'c', action: 'd' }, route: 0 }],
  });
});
