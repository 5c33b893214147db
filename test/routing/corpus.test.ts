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

/** Returns the responses of the candidate, one for each definition. */
function answers(definitions: readonly Definition[]): unknown[] {
  const input = definitions.map(({ expected: _expected, ...asked }) => JSON.stringify(asked)).join('\n');
  const run = spawnSync(process.execPath, [candidate], { cwd: root, input, encoding: 'utf8', maxBuffer: 1 << 28 });
  assert.equal(run.stderr, '');
  return run.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}

function compare(definitions: readonly Definition[], given = answers(definitions)): void {
  assert.equal(given.length, definitions.length);
  for (const [index, { id, title, expected }] of definitions.entries()) {
    assert.deepEqual(given[index], { id, ...expected }, `${id}: ${title}`);
  }
}

/** The groups of the recorded definitions, by the middle of their id. */
const GROUPS: Record<string, string> = {
  VAR: 'RT-1 RT-2 RT-3 RT-4 RT-6 RT-8 RT-10 RT-11 RT-13 RT-25 RT-27 RT-30 variables, text and values',
  ENC: 'RT-8 RT-9 RT-28 RT-114 RT-116 encoding, case, slashes',
  ORD: 'RT-32 RT-33 RT-34 RT-35 RT-36 RT-37 RT-38 which route wins',
  REQ: 'RT-7 RT-15 RT-16 RT-17 RT-18 requirements',
  CON: 'RT-29 RT-40 RT-41 RT-44 RT-47 RT-48 RT-101 RT-102 conditions',
  SDM: 'RT-45 RT-46 RT-122 sub-domains',
  FMT: 'RT-5 RT-33 RT-115 formats',
  RES: 'RT-23 RT-50 RT-51 RT-52 RT-53 RT-54 RT-55 RT-56 RT-57 RT-58 RT-59 RT-60 RT-61 RT-62 RT-63 RT-64 resources',
  SUB: 'RT-65 RT-66 RT-68 RT-69 RT-70 RT-71 RT-72 RT-74 RT-75 RT-76 submappers and collections',
  FLV: 'RT-77 RT-78 RT-79 RT-80 RT-81 RT-88 kinds of mapper',
  MIN: 'RT-83 RT-84 RT-85 RT-86 RT-87 minimization and implicit defaults',
  RED: 'RT-90 RT-91 RT-92 RT-93 redirects',
  MNT: 'RT-96 RT-97 RT-98 RT-99 RT-100 RT-103 RT-105 RT-129 mounts and requests',
  GEN: 'RT-39 RT-106 RT-107 RT-108 RT-110 RT-111 RT-112 RT-113 RT-117 RT-119 RT-121 RT-128 RT-130 generation',
};

const recorded = readFileSync(join(root, 'test/golden/routes.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Definition);

/** Those of all groups, in their order: the process is started once. */
const recordedAnswers = answers(recorded);

for (const [group, title] of Object.entries(GROUPS)) {
  test(`${title}: as Routes 2.5.1 matched`, () => {
    const isOfGroup = (_: unknown, at: number): boolean => recorded[at]!.id.startsWith(`G-${group}-`);
    const definitions = recorded.filter(isOfGroup);
    assert.ok(definitions.length > 5, group);
    assert.equal(recordedAnswers.length, recorded.length);
    compare(definitions, recordedAnswers.filter(isOfGroup));
  });
}

test('RT-127 every recorded definition belongs to a group', () => {
  const ids = recorded.filter(({ id }) => !(id.split('-')[1]! in GROUPS)).map(({ id }) => id);
  assert.deepEqual(ids, []);
});

test('RT-132 the candidate is a thin script', () => {
  assert.ok(readFileSync(candidate, 'utf8').split('\n').length < 150);
});

test('RT-131 the whole corpus passes', { skip: existsSync(whole) ? false : 'the corpus is not here' }, () => {
  const names = readdirSync(whole).filter((file) => file.endsWith('.json'));
  const definitions = names.flatMap(
    (name) => (JSON.parse(readFileSync(join(whole, name), 'utf8')) as { definitions: Definition[] }).definitions,
  );
  compare(definitions.map(({ id, title, expected, ...rest }) => ({ ...rest, id, title, expected })));
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
