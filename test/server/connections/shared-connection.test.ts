/** A request leaves nothing behind on a connection that it shares with others. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { type App, afterResponse, compose } from 'portico/app';
import { deferred } from '../../../dist/tasks/deferred.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

async function connected(t: TestContext, app: App): Promise<Client> {
  const server = await startedServer(t, 'timeouts', app);
  return closedAfter(t, new Client(portOf(server)));
}

/** `/set/<ms>` sets a timeout; each response has the timeout in force when its turn comes. */
const app: App = async (req, res) => {
  const [, action, ms] = req.url!.split('/');
  if (action === 'set') res.setTimeout(Number(ms));
  if (action === 'request') req.setTimeout(Number(ms));
  if (res.socket === null) await once(res, 'socket');
  res.end(String(res.socket?.timeout ?? 0));
};

for (const first of ['/set/60000', '/request/60000']) {
  test(`a timeout that ${first} has set does not hold for the next request of the connection, nor while it is idle`, async (t) => {
    const client = await connected(t, app);
    for (const [path, expected] of [
      [first, '60000'],
      ['/', '0'],
      ['/set/70000', '70000'],
      ['/', '0'],
    ] as const) {
      client.write(get(path));
      assert.equal((await client.response()).body, expected, path);
    }
  });
}

test('a timeout of a pipelined request holds for it, and for none before or behind it', async (t) => {
  const client = await connected(t, app);
  client.write(['/set/60000', '/', '/set/70000', '/'].map(get).join(''));
  const said: string[] = [];
  for (let count = 0; count < 4; count++) said.push((await client.response()).body);
  assert.deepEqual(said, ['60000', '0', '70000', '0']);
});

test('thirty pipelined requests behind filters that wait for their end write no warning', async (t) => {
  const warnings: string[] = [];
  const onWarning = ({ message }: Error): void => void warnings.push(message);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  let ended = 0;
  const client = await connected(
    t,
    compose(
      [
        (inner) => (req, res) => {
          afterResponse(res, () => ended++);
          return inner(req, res);
        },
      ],
      async (req, res) => {
        await new Promise(setImmediate);
        res.end(`${req.url} ${req.socket.listenerCount('close') < 10}`);
      },
    ),
  );
  client.write(Array.from({ length: 30 }, (_, at) => get(`/${at}`)).join(''));
  for (let at = 0; at < 30; at++) assert.equal((await client.response()).body, `/${at} true`);
  await new Promise(setImmediate);
  assert.equal(ended, 30);
  assert.deepEqual(warnings, []);
});

/** What one client writes before a reload, and after it. */
const AROUND_RELOAD: Record<string, readonly [before: readonly string[], after: readonly string[]]> = {
  'two at once on an idle connection': [[], ['/a /b']],
  'two in turn on an idle connection': [[], ['/a', '/b']],
  'one behind another that was in progress': [['/a'], ['/b']],
  'three that were there before': [['/a /b /c'], []],
};

for (const [which, [before, after]] of Object.entries(AROUND_RELOAD)) {
  test(`LC-136 after a reload each pipelined request is served, and the last ends the connection: ${which}`, async (t) => {
    const held = deferred<void>();
    const server = await startedServer(t, 'pipelined', async (req, res) => {
      if (req.url === '/a') await held.promise;
      res.end(req.url);
    });
    const client = closedAfter(t, new Client(portOf(server)));
    const write = async (paths: string): Promise<void> => {
      client.write(paths.split(' ').map(get).join(''));
      // The server reads it before another connection, which comes later.
      const other = new Client(portOf(server));
      other.write(get('/other'));
      await other.response();
      other.close();
    };
    // Nagle's algorithm would hold a request back until the system acknowledges the one before.
    client.socket.setNoDelay();
    client.write(get('/first'));
    await client.response();
    for (const paths of before) await write(paths);
    const reloaded = server.stop({ graceful: true, reason: 'reload', deadlineMs: 60_000 });
    await server.start();
    for (const paths of after) await write(paths);
    held.resolve();
    await Promise.all([client.closed, reloaded]);
    assert.deepEqual(client.received.match(/\/\w$|\/\w(?=HTTP)/g), [...before, ...after].join(' ').split(' '));
    assert.equal(client.received.match(/connection: close/gi)?.length, 1);
  });
}
