import assert from 'node:assert/strict';
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger } from 'portico';
import { silentLogger } from '#internal/log';
import { buildLog } from '../../dist/service/manager-hooks.js';
import { temporaryFolder } from '../fixtures/keeper.js';

test('CF-91 loggers of parts follow the level of the one they were made of, until they are given their own', () => {
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } });
  const part = log.child({ part: 'a' });
  const inner = part.child({ inner: true });
  inner.debug('not yet');
  log.level = 'debug';
  assert.equal(inner.enabled('debug'), true);
  inner.debug({ pid: 4 }, 'now');
  part.level = 'warn';
  log.level = 'info';
  part.info('a level of its own');
  inner.warn('and who comes from it');
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    ['now', 'and who comes from it'],
  );
});

test('a level that there is not is refused where it is given', () => {
  assert.throws(() => createLogger({ level: 'loud' as 'info' }), /unknown level loud: one of trace, debug, info/);
  const log = createLogger({ level: 'warn' });
  assert.throws(() => {
    log.level = 'verbose' as 'info';
  }, /unknown level verbose/);
  assert.equal(log.level, 'warn');
});

test('facts that a line is made of are those of the moment it is written, from the first line on', () => {
  const lines: string[] = [];
  const facts = { request: 1 };
  const write = (line: string): void => void lines.push(line);
  const log = createLogger({ destination: { write }, facts: () => ({ ...facts }), base: { name: 'test' } });
  log.debug('never made');
  facts.request = 2;
  log.info({ err: new TypeError('wrong') }, 'made');
  const { level, pid, name, request, msg, err } = JSON.parse(lines.join('')) as Record<string, { type?: string }>;
  assert.deepEqual([level, pid, name, request, msg, err?.type], ['info', process.pid, 'test', 2, 'made', 'TypeError']);
});

test('an error is written without the passwords of URIs in its message, its stack, its causes and its parts', () => {
  const refused = new Error('amqp://rabbit:hidden@127.0.0.1/ refused', {
    cause: new Error('redis://:hidden@10.0.0.1/0'),
  });
  const parts = new AggregateError([refused], 'all of http://user:hidden@10.0.0.1:80/', { cause: refused });
  const circle = Object.assign(new Error('one'), { inner: Object.assign(new Error('two'), { outer: refused }) });
  Object.assign(circle.inner, { outermost: circle });
  const lines: string[] = [];
  const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(line) } });
  for (const err of [refused, parts, circle, Object.freeze(new Error('https://user:hidden@10.0.0.1/'))]) {
    log.error({ err, other: err }, 'failed');
  }
  const [first] = lines.map((line) => JSON.parse(line) as { err: { message: string; stack: string } });
  assert.equal(first?.err.message, 'amqp://rabbit:****@127.0.0.1/ refused: redis://:****@10.0.0.1/0');
  assert.match(first.err.stack, /^Error: amqp:\/\/rabbit:\*{4}@127\.0\.0\.1\/ refused\n +at .*log\.test\.js:\d+:\d+/);
  assert.doesNotMatch(lines.join(''), /hidden/);
  assert.match(lines[2]!, /"inner":\{"type":"Error","message":"two"/);
});

test('a notice is written at every level but silent', () => {
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const log = createLogger({ level: 'error', format: 'json', destination: { write } });
  log.child({ part: 'a' }).notice({ id: 1 }, 'told');
  log.level = 'silent';
  log.notice('never');
  silentLogger().notice('never');
  assert.deepEqual(
    lines.map((line) =>
      (({ level, part, id, msg }) => [level, part, id, msg])(JSON.parse(line) as Record<string, unknown>),
    ),
    [['notice', 'a', 1, 'told']],
  );
  const text: string[] = [];
  createLogger({ format: 'text', destination: { write: (line) => void text.push(line) } }).notice({ id: 1 }, 'told');
  assert.match(text.join(''), /^\[.*\] NOTICE: told \{"id":1\}\n$/);
});

test('as text, an error of several lines stands below its line, and once', () => {
  const text: string[] = [];
  const log = createLogger({ format: 'text', destination: { write: (line) => void text.push(line) } });
  const error = "a.ini:1:1: error: sise: unknown option\n  did you mean 'size'?";
  log.error({ event: 'reload', error }, `Reload refused: ${error.split('\n', 1)[0]}`);
  assert.match(
    text.join(''),
    /^\[.*\] ERROR: Reload refused \{"event":"reload"\}\n {4}a\.ini:1:1: error: sise: unknown option\n {6}did you mean 'size'\?\n$/,
  );
});

test('a child of a logger, and of that one, opens the file anew as its parent does; without a file none can', () => {
  const folder = temporaryFolder('portico-log-');
  const file = join(folder, 'app.log');
  const child = createLogger({ file }).child({ app: 'x' }).child({ part: 'y' });
  child.info('one');
  renameSync(file, `${file}.1`);
  buildLog(child, false).log.reopen?.();
  child.info('two');
  assert.deepEqual(
    [`${file}.1`, file].map((each) => (JSON.parse(readFileSync(each, 'utf8')) as { msg: string }).msg),
    ['one', 'two'],
  );
  const none = createLogger({ destination: { write: () => undefined } });
  assert.deepEqual(
    [none.reopen, none.child({}).reopen, buildLog(none, false).log.reopen],
    [undefined, undefined, undefined],
  );
});

test('LC-322 a line about another process has one pid, that of the other; no name stands twice in a line', () => {
  const lines: string[] = [];
  const log = createLogger({
    format: 'json',
    base: { name: 'api' },
    destination: { write: (line) => lines.push(line) },
  });
  const child = log.child({ service: 'compute' });
  log.info('own');
  log.info({ pid: 7, code: 0 }, 'other');
  child.warn({ pid: 8 }, 'other again');
  child.debug({ pid: 9 }, 'not written');
  log.level = 'debug';
  log.debug({ pid: 10 }, 'written');
  const worker = log.child({ pid: 11 });
  worker.debug('of a worker');
  worker.child({ service: 'compute' }).info({ pid: 12 }, 'of a service in it');
  for (const line of lines) {
    const names = [...line.matchAll(/[{,]"(\w+)":/g)].map(([, name]) => name);
    assert.equal(new Set(names).size, names.length, line);
  }
  const parsed = lines.map((line) => JSON.parse(line) as { pid: number; name: string; service?: string });
  assert.deepEqual(
    parsed.map(({ pid, name, service }) => [pid, name, service]),
    [
      [process.pid, 'api', undefined],
      [7, 'api', undefined],
      [8, 'api', 'compute'],
      [10, 'api', undefined],
      [11, 'api', undefined],
      [12, 'api', 'compute'],
    ],
  );
});

test('a destination that throws loses lines, which are counted, and nothing else', () => {
  const write = (): never => {
    throw new Error('no space');
  };
  const log = createLogger({ format: 'json', destination: { write } });
  log.info('lost');
  log.child({ part: 'a' }).warn('lost too');
  assert.equal(log.lost?.(), 2);
});
