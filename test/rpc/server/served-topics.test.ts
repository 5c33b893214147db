import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RequestContext } from 'portico/app';
import { RPCConnection, rpc } from 'portico/rpc';
import { FakeClock } from 'portico/testing';
import { MemoryBroker, MemoryTransport, ServedTopics } from '#internal/rpc';
import { TaskTracker } from '#internal/service';
import { recordedLog } from '../../tasks/recorded-log.js';
import { gate } from '../services.js';

test('RP-86 RP-87 the time of a drain is that of both topics together', async () => {
  const clock = new FakeClock();
  const { log } = recordedLog();
  const connection = new RPCConnection({ transport: new MemoryTransport(new MemoryBroker()), log, clock });
  const fired: [string, number][] = [];
  const [working, going] = [gate(), gate()];
  let began = 0;
  const untilAborted = (method: string, { signal }: RequestContext): Promise<never> => {
    signal!.addEventListener('abort', () => fired.push([method, clock.now() - began]));
    return new Promise(() => {});
  };
  class Images {
    work(context: RequestContext): Promise<never> {
      working.open();
      return untilAborted('work', context);
    }
    @rpc({ continuation: true })
    goOn(context: RequestContext): Promise<never> {
      going.open();
      return untilAborted('goOn', context);
    }
  }
  const topics = new ServedTopics({
    connection,
    topic: 'images',
    altTopic: 'images-alt',
    host: 'north',
    binary: 'portico-images',
    endpoints: [new Images()],
    tracker: new TaskTracker({ service: 'images', log, clock }),
    poolSize: undefined,
  });
  await topics.start(new AbortController().signal);
  await connection.client({ topic: 'images' }).cast({}, 'work');
  await connection.client({ topic: 'images-alt' }).cast({}, 'goOn');
  await Promise.all([working.opened, going.opened]);
  await topics.stopAccepting();
  began = clock.now();
  let isOver = false;
  const over = topics.finish(10_000).then(() => {
    isOver = true;
  });
  while (!isOver) {
    await clock.advance(1000);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
  await over;
  // The first topic's method has a second to end by itself.
  assert.deepEqual(fired, [
    ['work', 10_000],
    ['goOn', 11_000],
  ]);
});
