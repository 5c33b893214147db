/** Tests what a broker that is away costs: a bounded number of events waits, and losses are reported. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { audit } from 'portico/audit';
import { Config } from 'portico/config';
import { buildFilter, request } from 'portico/testing';
import { SentEvents } from '../../dist/extras/audit/sent-events.js';
import { troublesOf } from '../../dist/service/shared-store.js';
import { deferred } from '../../dist/tasks/deferred.js';
import { freePort } from '../fixtures/free-port.js';
import { memoryLog } from '../server/memory-log.js';

test('at most 10,000 events wait for a broker; losses are one line, and a trouble until it takes events again', async () => {
  const [config, log, closing] = [new Config(), memoryLog(), [] as (() => unknown)[]];
  const events = new SentEvents({
    log,
    config,
    onClose: (close) => void closing.push(() => close(AbortSignal.abort())),
  });
  const { promise: accepted, resolve: accept } = deferred<void>();
  let sent = 0;
  const send = (): void => {
    events.send(() => {
      sent++;
      return accepted;
    });
  };
  for (let count = 0; count < 10_500; count++) send();
  assert.equal(sent, 10_000);
  const trouble = 'events of audit are lost: 10000 events wait for the broker';
  assert.deepEqual(troublesOf(config), [trouble]);
  assert.deepEqual(
    log.lines.map(({ level, message, fields }) => [level, message, fields.events]),
    [['error', trouble, 1]],
  );
  accept();
  await new Promise(setImmediate);
  assert.deepEqual(troublesOf(config), []);
  assert.equal(log.lines[1]?.message, 'the broker takes events of audit again; 499 more events lost until now');
  send();
  assert.equal(sent, 10_001);
  assert.equal(log.lines.length, 2);
  for (const close of closing) close();
});

test('a stop waits for the events that are on their way, until its time is over', async () => {
  const [log, closing] = [memoryLog(), [] as ((over?: AbortSignal) => unknown)[]];
  const events = new SentEvents({ log, config: new Config(), onClose: (close) => void closing.unshift(close) });
  const [first, second] = [deferred<void>(), deferred<void>()];
  events.send(() => first.promise);
  const time = new AbortController();
  let hasEnded = false;
  const ended = Promise.all(closing.map((close) => close(time.signal))).then(() => {
    hasEnded = true;
  });
  // The response of a request that the stop has waited for.
  events.send(() => second.promise);
  first.resolve();
  await new Promise(setImmediate);
  assert.equal(hasEnded, false);
  second.resolve();
  await ended;
  assert.equal(log.lines.length, 0);

  const late = new SentEvents({ log, config: new Config(), onClose: (close) => void closing.unshift(close) });
  late.send(() => new Promise(() => undefined));
  const cut = closing[0]!(time.signal);
  time.abort();
  await cut;
  assert.deepEqual(
    log.lines.map(({ level, message, fields }) => [level, message, fields.events]),
    [['error', '1 event of audit lost: the broker did not take them in time', 1]],
  );
});

test('losses of the last minute are reported at the end', () => {
  const [log, closing] = [memoryLog(), [] as (() => unknown)[]];
  const events = new SentEvents({
    log,
    config: new Config(),
    onClose: (close) => void closing.push(() => close(AbortSignal.abort())),
  });
  for (let count = 0; count < 10_004; count++) events.send(() => new Promise(() => undefined));
  for (const close of closing) close();
  assert.deepEqual(
    log.lines.map(({ message }) => message),
    [
      'events of audit are lost: 10000 events wait for the broker',
      '10000 events of audit lost: the broker did not take them in time',
      '3 more events of audit lost until the end',
    ],
  );
});

test('requests pass while the broker is away, and the log has one line for their events', async () => {
  const log = memoryLog();
  const config = Config.fromText(`[rpc]\ntransport_url = amqp://127.0.0.1:${await freePort()}/\n`);
  const { made, close } = await buildFilter(audit, { config, log });
  const app: App = made((_req, res) => void res.end('here'));
  for (let count = 0; count < 20; count++) assert.equal((await request(app, 'GET', '/')).status, 200);
  await close();
  const lost = log.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
  assert.deepEqual(lost, ['40 events of audit lost: the broker did not take them in time']);
});
