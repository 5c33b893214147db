import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { quoteClient } from 'portico/app';
import { Config, defineOptions, integer, type PorticoError } from 'portico/config';
import { markedLine } from '../../dist/errors/index.js';
import { compileLogFormat } from '../../dist/middleware/request-log.js';
import { agoText, printable, printableLines } from '../../dist/text/printable.js';
import { filesUntilEnd } from '../fixtures/until-end.js';

/** Characters that end a line, move a cursor, or change the direction of text. */
const HOSTILE =
  '\n\r\t\0\u001b[2J\u007f\u0080\u0085\u009b31m\u009f\u2028\u2029\u061c\u200e\u200f\u202a\u202e\u2066\u2069';
/** Those of them that a line of text may not contain, except at its end. */
const RAW = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function logged(format: 'json' | 'text', write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger({ level: 'debug', format, destination: { write: (line) => void lines.push(line) } }));
  return lines.join('');
}

test('text of others is escaped, and its letters stay', () => {
  assert.doesNotMatch(printable(HOSTILE), RAW);
  assert.equal(printable('a\nb\u0085é𝒳'), String.raw`a\nb\u0085é𝒳`);
  assert.equal(printableLines('a\n\tb\u009b'), 'a\n\tb\\u009b');
  assert.equal(printable('\ud800'), String.raw`\ud800`);
  assert.doesNotMatch(quoteClient(HOSTILE), RAW);
});

test('a moment ago is told in tenths of a second', () => {
  assert.deepEqual([0.369, 0.738, 0.02, -1, 1.26, 125].map(agoText), [
    '0.4s ago',
    '0.7s ago',
    '0s ago',
    '0s ago',
    '1.3s ago',
    '2m5s ago',
  ]);
});

test('a line of JSON has nothing raw in it that a terminal acts upon, and is the same JSON', () => {
  for (const write of [
    (log: ReturnType<typeof createLogger>) => log.info(HOSTILE),
    (log: ReturnType<typeof createLogger>) => log.info({ b: HOSTILE, c: { [HOSTILE]: [HOSTILE] } }, 'a'),
    (log: ReturnType<typeof createLogger>) => log.child({ d: HOSTILE }).warn({ err: new Error(HOSTILE) }, 'é'),
  ]) {
    const line = logged('json', write);
    assert.equal(line.at(-1), '\n');
    assert.doesNotMatch(line.slice(0, -1), RAW);
    assert.ok(JSON.stringify(JSON.parse(line)).includes(JSON.stringify(HOSTILE).slice(1, -1)));
  }
});

test('a message is one line of text, and nothing in it or its facts is raw', () => {
  const text = logged('text', (log) => log.info(`begin${HOSTILE}end`));
  assert.doesNotMatch(text.slice(0, -1), RAW);
  assert.match(text, /INFO.*begin\\n\\u000d.*end\n$/);
  const facts = logged('text', (log) => log.warn({ a: HOSTILE, b: { [HOSTILE]: [HOSTILE] } }, 'facts'));
  assert.doesNotMatch(facts.replaceAll('\n', ''), RAW);
  const error = logged('text', (log) => log.error({ err: new Error(`begin${HOSTILE}\nforged`) }, 'error'));
  // The lines of a stack are indented.
  assert.doesNotMatch(error.replaceAll('\n', '').replaceAll('\t', ''), RAW);
  assert.doesNotMatch(error, /^forged/m);
});

test('a value of a configuration is one line of an error, and its caret stands right', async (t) => {
  const files = await filesUntilEnd(t, { 'a.conf': '[app]\nlevel = x\u0085\u202e\u001b[2J\n' });
  const groups = { app: defineOptions({ level: integer({ default: 0, help: 'How much.' }) }), DEFAULT: {} };
  const loaded = Config.load({ files: [files.path('a.conf')], dirs: [], env: {}, groups });
  await assert.rejects(loaded, (error: PorticoError) => {
    assert.match(error.describe(), /got x\\u0085\\u202e\\u001b\[2J/);
    assert.doesNotMatch(error.describe().replaceAll('\n', ''), RAW);
    return true;
  });
  const origin = { file: 'a.ini', line: 1, column: 12, text: 'level = x\u0085\u202ey' };
  assert.equal(markedLine(origin), '    level = x\ufffd\ufffdy\n               ^');
});

test('an access line has its own end alone', () => {
  const line = compileLogFormat('%(client_ip)s %(request_line)s');
  const ids = { request_id: '', global_request_id: '', user_id: '', project_id: '', api_version: '', route: '' };
  const facts = { ...ids, date_time: '', status_code: 200, body_length: 0, wall_seconds: 0 };
  assert.equal(
    line({ ...facts, client_ip: '_a', request_line: quoteClient('GET /\n\u0085') }),
    String.raw`_a GET /\u000a\u0085`,
  );
});
