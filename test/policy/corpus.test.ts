/** Compares decisions with those that oslo.policy has made: recorded cases, and the whole corpus if it is beside the clone. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
const describer = join(root, 'test', 'golden', 'describe-policy.mjs');

/** A result of oslo.policy; `rules`: texts by name. */
interface Answer {
  readonly error?: string;
  readonly allowed?: boolean;
  readonly text?: string;
  readonly valid?: boolean;
  readonly ok?: boolean;
  readonly rules?: Readonly<Record<string, string | null>>;
}

interface Query {
  readonly op: string;
  readonly expected: Answer;
  /** A result that only Python explains: a refusal is right too. */
  readonly accident?: boolean;
}

interface Case {
  readonly name: string;
  readonly queries: readonly Query[];
}

/** Refused: rules that only Python's parsers explain, `a@b:x`, a mapping as a rule, and names that are numbers or truth values. */
const REFUSED = new Set([
  'accidents-002-python',
  'expressions-009-random',
  'expressions-013-random',
  'expressions-017-random',
  'lists-001-old-syntax',
  'lists-002-old-syntax',
  'values-004-creds',
  'yaml-010-mapping-rule',
  'yaml-031-int-key',
  'yaml-032-bool-key',
  'yaml-033-bool-key-with-defaults',
  'yaml-057-nan',
]);

const OWN = /^(?:Policy|Invalid|Duplicate)/;

function isRight({ op, expected, accident }: Query, answer: Answer): boolean {
  if (op === 'write') return true;
  if (accident === true) {
    const rules = Object.entries(answer.rules ?? {});
    const refuses = rules.every(([name, text]) => text === '!' || text === null || text === expected.rules?.[name]);
    if (answer.error !== undefined || answer.allowed === false || answer.text === '!' || (answer.rules && refuses))
      return true;
  }
  if (expected.error !== undefined) {
    return OWN.test(expected.error)
      ? answer.error === expected.error
      : answer.error !== undefined && !OWN.test(answer.error);
  }
  const { allowed, text, valid, ok } = expected;
  if (answer.error !== undefined || answer.allowed !== allowed || answer.text !== text) return false;
  if (expected.rules !== undefined) assert.deepEqual(answer.rules, expected.rules);
  return answer.valid === valid && answer.ok === ok;
}

test('recorded decisions of oslo.policy are made alike', async () => {
  const cases = readFileSync(join(root, 'test', 'golden', 'policy-cases.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case);
  const child = spawn(process.execPath, [describer], { stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(cases.map((each) => `${JSON.stringify(each)}\n`).join(''));
  const lines: { answers: Answer[] }[] = [];
  for await (const line of createInterface({ input: child.stdout }))
    lines.push(JSON.parse(line) as { answers: Answer[] });
  const wrong = cases.flatMap(({ name, queries }, at) =>
    queries.flatMap((query, index) => {
      const answer = lines[at]?.answers[index] ?? {};
      return isRight(query, answer) || (REFUSED.has(name) && (answer.error !== undefined || query.accident))
        ? []
        : [`${name} [${index}] ${JSON.stringify(query)}: ${JSON.stringify(answer)}`];
    }),
  );
  assert.deepEqual(wrong, []);
});

const checker = join(root, '..', 'shared', 'golden', 'policy', 'check.mjs');

test('the whole corpus passes its own checker', { skip: !existsSync(checker) }, async () => {
  const command = `${process.execPath} ${describer}`;
  const child = spawn(process.execPath, [checker, '--batch-cmd', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  assert.match(output, /\(0 failing\)/, output);
});
