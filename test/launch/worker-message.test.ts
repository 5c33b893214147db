/**
 * Whatever a worker sends, its parent reads it as a message of its table, or as a fault, and never throws; and whatever an
 * application gives a worker to say, its parent takes the message.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deserialize, serialize } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { statusOf } from '../../dist/launch/exit-status.js';
import { fittingMessage, readMessage as read, type ToParent } from '../../dist/launch/worker-message.js';

/** One of each kind, as workers send them. */
const GOOD: readonly ToParent[] = [
  { kind: 'ready' },
  { kind: 'rehearsed', files: new Map([['/etc/a', 'digest']]) },
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
        place: { kind: 'file', detail: 'a.ini:1:2', origin: { file: 'a.ini', line: 1, column: 2, option: undefined } },
        message: 'why',
      },
    ],
  },
  { kind: 'launched', workers: 2 },
  { kind: 'draining' },
  { kind: 'ended', status: 0, cutOff: false },
  { kind: 'beat', debugged: false, facts: { rss: 1, loading: undefined, since: new Date(0), by: new Map([[1, 2]]) } },
  { kind: 'counted', buckets: [0.1], series: [{ metric: 'rejected', labels: ['queue full'], counts: [], sum: 2 }] },
  { kind: 'stuck', stack: ['at f (file.js:1:1)'] },
  {
    kind: 'take',
    takes: [[{ id: 'rate_limit all', rate: 0.1, burst: 5, maxKeys: 10 }, '192.0.2.1', 0]],
  },
  { kind: 'replace', reason: 'old' },
  { kind: 'answer', id: 1, body: { any: ['thing'] } },
  { kind: 'answer', id: 2, error: 'no' },
];

const readMessage = (value: unknown): { message?: ToParent; foreign?: string; fault?: string } => read(value);

/** What is wrong with it. */
const faultOf = (value: unknown): string => {
  return readMessage(value).fault ?? '';
};

const crossed = <T>(value: T): T => deserialize(serialize(value)) as T;

test('every message of a worker passes, as it arrives', () => {
  for (const message of GOOD) assert.deepEqual(readMessage(crossed(message)), { message });
});

test('every message passes in a realm that is not that of the channel', () => {
  for (const message of GOOD) {
    const made: unknown = runInNewContext(
      `const made = (value) => Array.isArray(value) ? value.map(made)
        : value instanceof (outer.Map) ? new Map(value)
        : typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, made(v)]))
        : value;
      made(message)`,
      { message, outer: { Map } },
    );
    assert.equal(readMessage(made).message, made, message.kind);
  }
});

test('a diagnostic that says neither error nor warning, or of a place of no known kind, is a fault', () => {
  const sent = (changes: object): unknown => {
    const diagnostic = { severity: 'error', code: 'PORTICO_X', place: { kind: 'file', detail: 'a' }, message: 'why' };
    return { kind: 'failed', text: 'why', status: 78, diagnostics: [{ ...diagnostic, ...changes }] };
  };
  assert.equal(faultOf(sent({})), '');
  for (const severity of ['', 'info', 'error\n', 'toString']) {
    assert.match(faultOf(sent({ severity })), /severity has to be one of error, warning$/);
  }
  for (const kind of ['', 'file\n', 7]) {
    const fault = faultOf(sent({ place: { kind, detail: 'a' } }));
    assert.match(fault, /place kind has to be a word$/);
  }
});

test('what a worker has counted has a metric of the table, all labels of it, and no number below 0', () => {
  const sent = (more: object): unknown => {
    const one = { metric: 'requests', labels: ['GET', '-', '2xx'], counts: [1], sum: 1, ...more };
    return { kind: 'counted', buckets: [], series: [one] };
  };
  assert.equal(faultOf(sent({})), '');
  assert.match(faultOf(sent({ metric: 'toString' })), /series .*metric has to be one of requests, requestBytes/);
  assert.match(faultOf(sent({ labels: ['GET'] })), /series .*has to be a series with the labels of its metric/);
  assert.match(faultOf(sent({ labels: ['GET', 'x'.repeat(201), '2xx'] })), /at most 200 characters/);
  for (const sum of [-1, Number.NaN, Number.POSITIVE_INFINITY]) assert.match(faultOf(sent({ sum })), /sum has to be/);
  assert.match(faultOf(sent({ counts: [-1] })), /counts has an element that/);
});

test('what is sent to somebody else is no fault, and is told in a few words', () => {
  const foreign = {
    'the text "ready"': 'ready',
    'an object with "watch:require"': { 'watch:require': ['/srv/a.js'] },
    'an object with "type", "data", "id", …': { type: 'process:msg', data: {}, id: 1, more: 2 },
    'an object with "kind"': { kind: 'metrics' },
    'an object': new Error('boo'),
    'a list': [{ kind: 'ready' }],
  };
  for (const [told, value] of Object.entries(foreign)) assert.deepEqual(readMessage(crossed(value)), { foreign: told });
  for (const value of [null, undefined, 1, true]) assert.match(faultOf(value), /^a message that is /);
});

test('a message with a field of another type, one field less or one more is a fault that names the field', () => {
  const wrong: readonly unknown[] = [
    null,
    Number.NaN,
    -1,
    1.5,
    'x'.repeat(2 ** 21),
    Symbol.iterator.description,
    [],
    {},
    new Map([[{}, 1]]),
  ];
  for (const message of GOOD) {
    for (const field of Object.keys(message)) {
      if (field === 'kind' || field === 'body') continue;
      const { [field]: _, ...less } = message as unknown as Record<string, unknown>;
      const optional = (message.kind === 'failed' && ['code', 'diagnostics'].includes(field)) || field === 'error';
      if (!optional) assert.match(faultOf(less), new RegExp(` ${field} `), field);
      const refused = wrong.filter((value) => readMessage(crossed({ ...message, [field]: value })).fault);
      assert.ok(refused.length >= wrong.length - 2, `${message.kind}.${field}: ${refused.length}`);
      for (const value of refused) {
        assert.match(faultOf(crossed({ ...message, [field]: value })), new RegExp(` ${field} `));
      }
    }
    assert.match(faultOf({ ...message, extra: 1 }), /field "extra" is unknown/);
  }
});

test('names of prototypes are no kinds and no fields', () => {
  for (const kind of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
    assert.match(readMessage({ kind }).foreign!, /an object with "kind"/);
  }
  const inherited = JSON.parse('{"kind":"ended","__proto__":{"status":0,"cutOff":false}}') as object;
  assert.match(faultOf(inherited), / status /);
  assert.ok(readMessage(Object.create({ kind: 'ready' })).foreign);
});

test('anything at all is a message or a fault', () => {
  const odd = fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true });
  const fields = fc.record(
    {
      kind: fc.constantFrom(...GOOD.map(({ kind }) => kind)),
      ...Object.fromEntries(
        ['files', 'text', 'code', 'status', 'workers', 'takes', 'cutOff', 'facts', 'stack', 'id'].map((name) => [
          name,
          odd,
        ]),
      ),
    },
    { requiredKeys: ['kind'] },
  );
  fc.assert(
    fc.property(fc.oneof(odd, fields), (value) => {
      const { message, foreign, fault } = readMessage(value);
      const told = foreign ?? fault;
      if (told === undefined) assert.equal(message, value);
      else assert.ok(told.length < 200 && !told.includes('\n'), told);
    }),
    { numRuns: 2000 },
  );
});

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
