/** The parent distinguishes its workers' messages from others, and oversized contents of an application are cut to fit. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { Config } from '../../dist/config/index.js';
import { severalRefusals } from '../../dist/errors/index.js';
import { failureOf, statusOf, textOf } from '../../dist/launch/exit-status.js';
import { ProgramCode, WorkerFiles } from '../../dist/launch/parent/fleet-generation.js';
import { HeldRequests } from '../../dist/launch/parent/worker-handle.js';
import {
  checkMessage,
  digest,
  fittingMessage,
  foreignMessage,
  type ToParent,
  type WorkerFailure,
} from '../../dist/launch/worker-message.js';
import { temporaryFolder } from '../fixtures/keeper.js';

/** One message of each kind, as workers send them. */
const GOOD: readonly ToParent[] = [
  { kind: 'ready', rss: 1, workers: 2 },
  { kind: 'code', files: [['/srv/app.js', '7761ac88c2d9c623']] },
  { kind: 'built', diagnostics: [] },
  { kind: 'failed', text: 'why', code: undefined, status: 78 },
  { kind: 'failed', text: 'why', code: 'PORTICO_X', status: 1 },
  {
    kind: 'failed',
    text: 'why',
    code: 'PORTICO_X',
    status: 78,
    diagnostics: [
      {
        severity: 'error',
        code: 'PORTICO_X',
        location: {
          kind: 'file',
          detail: 'a.ini:1:2',
          origin: { file: 'a.ini', line: 1, column: 2, option: undefined },
        },
        message: 'why',
      },
    ],
  },
  { kind: 'draining' },
  { kind: 'ended', status: 0, cutOff: false },
  { kind: 'beat', debugged: false, facts: { rss: 1, loading: undefined, since: new Date(0), by: new Map([[1, 2]]) } },
  { kind: 'counted', buckets: [0.1], series: [{ metric: 'rejected', labels: ['queue full'], counts: [], sum: 2 }] },
  { kind: 'stuck', stack: ['at f (file.js:1:1)'] },
  {
    kind: 'take',
    takes: [[{ id: 'rate_limit all', rate: 0.1, burst: 5, maxKeys: 10 }, '192.0.2.1', 0]],
    used: [[{ id: 'rate_limit all', rate: 0.1, burst: 5, maxKeys: 10 }, '192.0.2.2', 3]],
    settled: [[7, 3]],
  },
  { kind: 'replace', reason: 'old' },
  { kind: 'answer', id: 1, body: { any: ['thing'] } },
  { kind: 'answer', id: 2, error: 'no' },
];

const crossed = <T>(value: T): T => deserialize(serialize(value)) as T;

test('every message of a worker passes, as it arrives', () => {
  for (const message of GOOD) {
    const sent = crossed(fittingMessage(message, assert.fail));
    checkMessage(sent);
    assert.equal(foreignMessage(sent), undefined);
    assert.equal(sent.kind, message.kind);
  }
});

test('what is sent to somebody else is reported in a few words', () => {
  const foreign = {
    'the text "ready"': 'ready',
    'an object with "watch:require"': { 'watch:require': ['/srv/a.js'] },
    'an object with "type", "data", "id", …': { type: 'process:msg', data: {}, id: 1, more: 2 },
    'an object with "kind"': { kind: 'code' },
    'an object with "kind", "portico"': { kind: 'code', portico: 1 },
    'an object': new Error('boo'),
    'a list': [{ kind: 'ready' }],
    null: null,
    undefined,
    1: 1,
  };
  for (const [told, value] of Object.entries(foreign)) assert.equal(foreignMessage(crossed(value)), told);
});

/** The message as the parent receives it. */
function arrived(message: object): { message: Record<string, unknown>; warnings: string[]; bytes: number } {
  const warnings: string[] = [];
  const bytes = serialize(fittingMessage(message as ToParent, (text) => warnings.push(text)));
  const read: unknown = deserialize(bytes);
  assert.equal(foreignMessage(read), undefined);
  return { message: read as Record<string, unknown>, warnings, bytes: bytes.byteLength };
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

test('one walk: a worker sends the errors of a refused configuration as data, and the parent prints them', () => {
  const origin = { file: 'portico.ini', line: 3, column: 1, section: 'api:shop', option: 'prot', text: 'prot = 1' };
  const location = { kind: 'file', detail: 'portico.ini:3:1', origin } as const;
  const error = { severity: 'error', code: 'PORTICO_X', location, message: 'unknown option' } as const;
  for (const blames of [true, false]) {
    const { message } = arrived({ kind: 'failed', ...failureOf(severalRefusals([error], { blames })) });
    checkMessage(message as unknown as ToParent);
    const { text, code, status, diagnostics } = message as unknown as WorkerFailure;
    const known = { text: undefined, code: 'PORTICO_CONFIGURATION_REFUSED', status: blames ? 78 : 1 };
    assert.deepEqual({ text, code, status }, known);
    assert.deepEqual(diagnostics, [error]);
    assert.equal(textOf({ code, status, diagnostics }), 'portico.ini:3:1: error: unknown option\n    prot = 1\n    ^');
  }
  assert.match(textOf(failureOf(new Error('no region'))), /^Error: no region\n {4}at /);
});

test('an incomplete diagnostic of an application is completed, so that its error arrives', () => {
  const given = [{ message: 'no region', option: 'region' }, { severity: 'warning', code: 7, message: 1 }, null];
  const { message } = arrived({ kind: 'failed', text: 'a', status: 1, diagnostics: given });
  checkMessage(message as unknown as ToParent);
  const [first, second] = message.diagnostics as Record<string, unknown>[];
  const code = 'PORTICO_CONFIGURATION_REFUSED';
  assert.deepEqual(first, { severity: 'error', code, message: 'no region', option: 'region' });
  assert.deepEqual(second, { severity: 'warning', code: '7', message: '1' });
});

test('of more errors than a message may have the first are reported, errors before warnings, and how many are left out', () => {
  const one = (severity: string, at: number) => ({ severity, code: 'PORTICO_X', message: `${at} ${'x'.repeat(1000)}` });
  const diagnostics = Array.from({ length: 3000 }, (_, at) => one(at % 2 === 0 ? 'warning' : 'error', at));
  for (const kind of ['built', 'failed']) {
    const { message, bytes } = arrived({ kind, diagnostics, text: 'why', status: 78 });
    const told = message.diagnostics as { severity: string; message: string }[];
    assert.ok(bytes < 1.2 * 1024 * 1024 && told.length > 900, `${bytes} bytes`);
    assert.ok(told.slice(0, -1).every(({ severity }) => severity === 'error'));
    assert.match(told.at(-1)!.message, new RegExp(`^${3001 - told.length} further errors or warnings`));
  }
});

test('facts that are too large or cannot be cloned are left out; the others stay', () => {
  const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, at) => [`k${at}`, at]));
  const bad = {
    many,
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
  assert.ok(kept > 5000 && kept < 100_000, `${kept} are left`);
  assert.match(flat.warnings[0]!, / and \d+ others/);
  const halves = { one: 'y'.repeat(800_000), two: 'y'.repeat(800_000) };
  assert.deepEqual(Object.keys(arrived({ kind: 'beat', debugged: false, facts: halves }).message.facts as object), [
    'one',
  ]);
  const good = { rss: 1, by: new Map([[1, 2]]) };
  assert.deepEqual(arrived({ kind: 'beat', debugged: false, facts: good }).message.facts, good);
});

test('of more files of an application than a message may have the first are reported, with a warning', () => {
  const files = Array.from(
    { length: 40_000 },
    (_, at) => [`/srv/shop/lib/module-${at + 10_000}.js`, '7761ac88c2d9c623'] as const,
  );
  const { message, warnings } = arrived({ kind: 'code', files });
  const told = message.files as unknown[];
  assert.ok(told.length > 10_000 && told.length < 40_000, `${told.length} are left`);
  assert.deepEqual(told, files.slice(0, told.length));
  assert.match(warnings.join(), new RegExp(`^Only ${told.length} of the 40000 files`));
  const few = { kind: 'code', files: files.slice(0, 3) } as const;
  assert.deepEqual(arrived(few), { ...arrived(few), message: { ...few, portico: true }, warnings: [] });
});

test('a response that is too large or cannot be cloned is an error', () => {
  const large = arrived({ kind: 'answer', id: 1, body: Buffer.alloc(5 * 1024 * 1024) });
  assert.match(large.message.error as string, /its response has 5242\d+ bytes, more than/);
  assert.match(arrived({ kind: 'answer', id: 1, body: () => 1 }).message.error as string, /cannot be sent: .*cloned/);
  assert.match(arrived({ kind: 'answer', id: 1, error: 'x'.repeat(3e6) }).message.error as string, /shortened/);
  assert.equal((arrived({ kind: 'answer', id: 1, body: 'y'.repeat(4e6) }).message.body as string).length, 4e6);
});

const LONG = 'x'.repeat(10_000);
const RULE = { id: 'a', rate: 1, burst: 1, maxKeys: 1 };

/** Messages that add up in a parent, each with one part that no worker sends. */
const TOO_MUCH: Readonly<Record<string, object>> = {
  'a long head': { kind: 'inHand', came: [[1, LONG]], left: [] },
  'a long name of a rule': { kind: 'take', takes: [[{ ...RULE, id: LONG }, 'a', 0]], used: [], settled: [] },
  'a rule without numbers': { kind: 'take', takes: [[{ ...RULE, burst: LONG }, 'a', 0]], used: [], settled: [] },
  'a long key': { kind: 'take', takes: [], used: [[RULE, LONG, 0]], settled: [] },
  'a long label': {
    kind: 'counted',
    buckets: [],
    series: [{ metric: 'rejected', labels: [LONG], counts: [], sum: 2 }],
  },
  'a long address': { kind: 'counted', buckets: [], series: [], refusals: [{ addresses: [[LONG, 1]] }] },
  'a stack that is none': { kind: 'stuck', stack: [1] },
  'diagnostics that are none': { kind: 'built', diagnostics: [null] },
};

for (const [what, message] of Object.entries(TOO_MUCH)) {
  test(`AT-13 a worker is ended for ${what}, before its parent keeps it`, () => {
    assert.throws(() => checkMessage(message as ToParent), /^TypeError: (the fields of )?"\w+" ha/);
  });
}

test('AT-13 requests that a worker reports fill no parent, however many slots it names', () => {
  const held = new HeldRequests();
  for (let slot = 0; slot < 5000; slot++) held.note({ kind: 'inHand', came: [[slot, 'GET /']], left: [] });
  assert.equal(held.all.length, 1024);
});

test('AT-13 names of files that workers report fill no parent, however many messages they send', () => {
  const code = new ProgramCode();
  const worker = { service: 'app', folder: '/home', startedAt: 0 };
  const hash = '7761ac88c2d9c623';
  code.compare([['/srv/hash.js', 'x'.repeat(5_000_000)]], worker);
  assert.deepEqual(code.compare([['/srv/hash.js', hash]], worker).files, [], 'a hash counts too');
  const name = (at: number): string => `/srv/${String(at).padStart(4000, '0')}.js`;
  for (let at = 0; at < 5000; at++) code.compare([[name(at), hash]], worker);
  assert.deepEqual(code.compare([[name(0), 'another']], worker).files, [name(0)]);
  assert.deepEqual(code.compare([[name(4999), 'another']], worker).files, [], 'it is not kept');

  const folder = temporaryFolder('portico-files-');
  const file = join(folder, 'empty');
  writeFileSync(file, '');
  const files = new WorkerFiles(new Config());
  const told = Array.from({ length: 5000 }, (_, at) => ({
    path: `${folder}/${'./'.repeat(at % 1900)}/empty`,
    option: String(at).padStart(4000, '0'),
    where: 'a.ini:1',
    hash: digest(Buffer.alloc(0)),
  }));
  for (const each of told) files.take('api', [each]);
  const kept = files.byService.get('api')!.reduce((sum, { path, option }) => sum + path.length + option.length, 0);
  assert.ok(kept > 1e6 && kept < 4.2e6, `${kept} characters are kept`);
});

test('a status that no process can have is a failure', () => {
  const error = (exitCode: unknown) => Object.assign(new Error('q'), { code: 'PORTICO_SERVICE_EXIT', exitCode });
  for (const status of [300, -1, 1.5, Number.NaN, '7']) assert.equal(statusOf(error(status)), 1);
  for (const status of [0, 7, 255]) assert.equal(statusOf(error(status)), status);
});
