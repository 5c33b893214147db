/** The time spent in each filter and in the application behind them. */
import assert from 'node:assert/strict';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { type App, type Filter, fromConnect } from '../../../dist/app/index.js';
import { shareState } from '../../../dist/app/server-state.js';
import { withSlot } from '../../../dist/app/slot.js';
import { Router } from '../../../dist/routing/index.js';
import { Server } from '../../../dist/server/index.js';
import { pipelineProbes } from '../../../dist/server/spans/filter-times.js';
import { deferred } from '../../../dist/tasks/deferred.js';
import { exchange, portOf } from '../raw-client.js';

test('the time of an application does not include the wait for a slot', async (t) => {
  let now = 1000;
  t.mock.method(performance, 'now', () => now);
  const server = {};
  const turn = deferred<boolean>();
  let asked = 0;
  shareState(server, { slots: { move: () => (asked++ === 0 ? 'queued' : 'held'), turn: () => turn.promise } });
  const req = new IncomingMessage(Object.assign(new Socket(), { server }));
  const called = deferred<void>();
  const done = deferred<void>();
  const app = withSlot(async (_req, res) => {
    called.resolve();
    await done.promise;
    res.end();
  });
  const times: number[] = [];
  const none = { observe: () => undefined };
  const probes = pipelineProbes({
    filter: () => ({ in: none, out: none }),
    application: () => ({ observe: (seconds) => times.push(seconds) }),
  });
  const [probe] = probes({ name: 'hello' }, []);
  const settled = probe!(app)(req, new ServerResponse(req));
  now += 5000;
  turn.resolve(true);
  await called.promise;
  now += 250;
  done.resolve();
  await settled;
  assert.deepEqual(times, [0.25]);
});

const GET = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

/** The app takes a quarter of a second by the mocked clock until it begins to respond, whatever it returns. */
const APPS: Readonly<Record<string, (takes: (seconds: number) => Promise<void>) => App | Promise<App>>> = {
  'an async function': (takes) => async (_req, res) => {
    await takes(0.25);
    res.end('done');
  },
  'a Router': (takes) =>
    new Router()
      .connect('/', {
        handler: async () => {
          await takes(0.25);
          return 'done';
        },
      })
      .build(),
  'a callback, as in Express': (takes) => (_req, res) => {
    void takes(0.25).then(() => res.end('done'));
  },
  'an async function that returns before it answers': (takes) => async (_req, res) => {
    void takes(0.25).then(() => res.end('done'));
  },
  'a stream, until it begins': (takes) => async (_req, res) => {
    await takes(0.25);
    res.write('first');
    await takes(60);
    res.end('last');
  },
  'a stream of events, until its head is sent': (takes) => async (_req, res) => {
    await takes(0.25);
    res.flushHeaders();
    await takes(60);
    res.end('event');
  },
};

for (const [name, made] of Object.entries(APPS)) {
  test(`DO-1 the time in the application ends with its response: ${name}`, async (t) => {
    let now = 1000;
    t.mock.method(performance, 'now', () => now);
    const takes = async (seconds: number): Promise<void> => {
      await new Promise(setImmediate);
      now += seconds * 1000;
    };
    const times: [what: string, seconds: number][] = [];
    const noted = (what: string) => ({ observe: (seconds: number) => times.push([what, seconds]) });
    const probes = pipelineProbes({
      filter: (_, filter) => ({ in: noted(`${filter} in`), out: noted(`${filter} out`) }),
      application: () => noted('app'),
    });
    // One filter calls its app later and returns nothing, the other one waits for it.
    const filters: Filter[] = [
      fromConnect((_req, _res, goOn) => void takes(0.5).then(() => goOn())),
      (app) => async (req, res) => {
        now += 125;
        await app(req, res);
      },
    ];
    const around = probes({ name: 'api' }, [{ name: 'callback' }, { name: 'async' }]);
    const inner = around[2]!(await made(takes));
    const app = around[0]!(filters[0]!(around[1]!(filters[1]!(inner))));
    const server = new Server('timed', app);
    await server.start();
    t.after(() => server.stop());
    await exchange(portOf(server), GET);
    await server.stop();
    assert.deepEqual(times.slice(0, 3), [
      ['callback in', 0.5],
      ['async in', 0.125],
      ['app', 0.25],
    ]);
    assert.deepEqual(
      times.slice(3).map(([what]) => what),
      ['async out', 'callback out'],
    );
  });
}
