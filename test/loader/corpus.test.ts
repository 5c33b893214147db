/**
 * Compares the Loader with PasteDeploy's recorded results for some 340 sets of files. Where PasteDeploy returns a filter instead of the
 * filtered app, the app is right.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { folderOf } from './folder.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const describer = join(root, 'test', 'golden', 'describe-paste.mjs');

interface Expected {
  readonly ok: boolean;
  readonly phase?: string;
  readonly object?: unknown;
  readonly error?: { readonly code: string; readonly mentions: readonly string[]; readonly lines?: readonly number[] };
}

interface Case {
  readonly name: string;
  readonly spec: readonly string[];
  readonly files: Readonly<Record<string, string | { readonly base64: string }>>;
  readonly queries: readonly { readonly file: string; readonly defect?: boolean; readonly expected: Expected }[];
}

const cases = readFileSync(join(root, 'test', 'golden', 'paste-cases.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Case);

/** Returns the responses of one process to many queries, in order. */
async function askAll(queries: readonly object[]): Promise<Record<string, unknown>[]> {
  const world = join(root, 'test', 'golden', 'paste-world.json');
  const child = spawn(process.execPath, [describer, '--batch'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, PORTICO_PASTE_WORLD: world },
  });
  child.stdin.end(queries.map((query) => `${JSON.stringify(query)}\n`).join(''));
  const answers: Record<string, unknown>[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answers.push(JSON.parse(line) as Record<string, unknown>);
  }
  return answers;
}

function folderOfCases(): string {
  const files: Record<string, string | Uint8Array> = {};
  for (const { name, files: own } of cases) {
    for (const [file, content] of Object.entries(own)) {
      files[`${name}/${file}`] = typeof content === 'string' ? content : Buffer.from(content.base64, 'base64');
    }
  }
  return folderOf(files);
}

/** Replaces the path of the case's directory by `{here}`, as in the corpus. */
function localised(value: unknown, folder: string): unknown {
  return JSON.parse(JSON.stringify(value).replaceAll(JSON.stringify(folder).slice(1, -1), '{here}'));
}

/** Applies a filter to its app where PasteDeploy only composed them. */
function repaired(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(repaired);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, part]) => [name, name.endsWith('_conf') ? part : repaired(part)]);
  const whole = Object.fromEntries(entries) as { composed?: { outer: Record<string, unknown>; inner: object } };
  const inner = whole.composed?.inner;
  return inner !== undefined && 'to' in inner ? { ...whole.composed!.outer, to: inner } : whole;
}

test('PD-1..97 PD-120..132 files compose exactly as with PasteDeploy, or fail with the same error', async () => {
  const folder = folderOfCases();
  const jobs = cases.flatMap((entry) => entry.queries.map((query) => ({ entry, query })));
  const answers = await askAll(
    jobs.map(({ entry, query }) => {
      return { ...query, expected: undefined, defect: undefined, file: join(folder, entry.name, query.file) };
    }),
  );
  assert.equal(answers.length, jobs.length);
  for (const [at, { entry, query }] of jobs.entries()) {
    const about = `${entry.name} (${entry.spec.join(', ')}): ${JSON.stringify({ ...query, expected: undefined })}`;
    const answer = localised(answers[at], join(folder, entry.name)) as Expected & { error?: { message: string } };
    const { expected, defect } = query;
    if (expected.ok) {
      if (defect !== true) assert.deepEqual(answer, expected, about);
      else assert.deepEqual(answer.object, repaired(expected.object), about);
      continue;
    }
    assert.equal(answer.ok, false, about);
    const { code, lines } = answer.error!;
    assert.deepEqual([answer.phase, code], [expected.phase, expected.error!.code], about);
    if (expected.error!.lines !== undefined) assert.deepEqual(lines, expected.error!.lines, about);
    const message = answer.error!.message.replace(/\s+/g, ' ');
    for (const text of expected.error!.mentions) {
      const plain = text.replace(/\s+/g, ' ').trim();
      const escaped = JSON.stringify(text).slice(1, -1);
      assert.ok(message.includes(plain) || message.includes(escaped), `${about}: ${message} mentions ${text}`);
    }
  }
});

const checker = join(root, '..', 'shared', 'golden', 'paste', 'check.mjs');

test('PD-180 the whole corpus passes its own checker', { skip: !existsSync(checker) }, async () => {
  const command = `${process.execPath} ${describer} --batch`;
  const child = spawn(process.execPath, [checker, '--batch-cmd', command], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  for await (const chunk of child.stdout) output += String(chunk);
  assert.match(output, / 0 failed/, output);
});
