/** Whatever an application gives a worker to say, its parent takes the message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import type { ToParent } from '../../../dist/launch/assignment.js';
import { statusOf } from '../../../dist/launch/exit-status.js';
import { readMessage } from '../../../dist/launch/parent/worker-message.js';
import { fittingMessage } from '../../../dist/launch/worker/fitting-message.js';

/** What arrives, and the warnings. */
function arrived(message: unknown): { message: Record<string, unknown>; warnings: string[]; bytes: number } {
  const warnings: string[] = [];
  const bytes = serialize(fittingMessage(message as ToParent, (text) => warnings.push(text)));
  const { message: read, fault } = readMessage(deserialize(bytes));
  assert.equal(fault, undefined);
  return { message: read as unknown as Record<string, unknown>, warnings, bytes: bytes.byteLength };
}

test('a text that is too long is shortened, and a reason that is none is one', () => {
  const long = 'x'.repeat(3_000_000);
  const failed = arrived({ kind: 'failed', text: long, code: long, status: 1 }).message;
  assert.match(failed.text as string, /^x+… \(shortened\)$/);
  assert.match(failed.code as string, /^x+… \(shortened\)$/);
  assert.equal(arrived({ kind: 'failed', text: 'a', code: undefined, status: 1 }).message.code, undefined);
  assert.match(arrived({ kind: 'replace', reason: long }).message.reason as string, /shortened/);
  assert.equal(arrived({ kind: 'replace', reason: undefined }).message.reason, 'asked for');
  assert.equal(arrived({ kind: 'replace', reason: 7 }).message.reason, '7');
});

test('facts that are too many, too large, too deep or cannot be cloned are left out; the others stay', () => {
  let deep: object = {};
  for (let i = 0; i < 50; i++) deep = { deep };
  const many = Object.fromEntries(Array.from({ length: 11_000 }, (_, at) => [`k${at}`, at]));
  const bad = {
    many,
    deep,
    text: 'y'.repeat(3e6),
    map: new Map([[1, 'y'.repeat(3e6)]]),
    bytes: Buffer.alloc(3e6),
    f() {},
  };
  for (const [name, value] of Object.entries(bad)) {
    const { message, warnings, bytes } = arrived({
      kind: 'beat',
      debugged: false,
      facts: { rss: 1, [name]: value, last: 2 },
    });
    assert.deepEqual(message.facts, { rss: 1, last: 2 });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, new RegExp(`"${name}"`));
    assert.ok(bytes < 1000);
  }
  const flat = arrived({ kind: 'beat', debugged: false, facts: { rss: 1, ...many } });
  const kept = Object.keys(flat.message.facts as object).length;
  assert.ok(kept > 5000 && kept <= 10_000, `${kept} are left`);
  assert.match(flat.warnings[0]!, / and \d+ others/);
  const halves = { one: 'y'.repeat(100_000), two: 'y'.repeat(100_000) };
  assert.deepEqual(Object.keys(arrived({ kind: 'beat', debugged: false, facts: halves }).message.facts as object), [
    'one',
  ]);
  const good = { rss: 1, by: new Map([[1, 2]]) };
  assert.deepEqual(arrived({ kind: 'beat', debugged: false, facts: good }).message.facts, good);
});

test('an answer that is too large or cannot be cloned is an error', () => {
  const large = arrived({ kind: 'answer', id: 1, body: Buffer.alloc(26 * 1024 * 1024) });
  assert.match(large.message.error as string, /its answer has 27262\d+ bytes, more than/);
  assert.match(arrived({ kind: 'answer', id: 1, body: () => 1 }).message.error as string, /cannot be sent: .*cloned/);
  assert.match(arrived({ kind: 'answer', id: 1, error: 'x'.repeat(3e6) }).message.error as string, /shortened/);
  assert.equal((arrived({ kind: 'answer', id: 1, body: 'y'.repeat(20e6) }).message.body as string).length, 20e6);
});

test('a status that no process can have is a failure', () => {
  const error = (exitCode: unknown) => Object.assign(new Error('q'), { code: 'PORTICO_SERVICE_EXIT', exitCode });
  for (const status of [300, -1, 1.5, Number.NaN, '7']) assert.equal(statusOf(error(status)), 1);
  for (const status of [0, 7, 255]) assert.equal(statusOf(error(status)), status);
});
