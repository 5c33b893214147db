import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { finished } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { type App, Fault, readBody } from 'portico/app';
import type { PorticoError } from 'portico/config';
import { collectBody, limitBody } from '#internal/app';
import { deferred } from '../../../dist/tasks/deferred.js';
import { nodeServer } from '../../fixtures/node-server.js';
import { Client, portOf } from '../raw-client.js';
import { startedServer } from '../started-server.js';

const post = (length: number, more = ''): string =>
  `POST / HTTP/1.1\r\nhost: x\r\n${more}content-length: ${length}\r\n\r\n`;

async function connected(t: TestContext, app: App): Promise<Client> {
  const server = await startedServer(t, 'bodies', app);
  return new Client(portOf(server));
}

/** The same app on plain node:http, where a body is read from its stream. */
async function onBareNode(t: TestContext, app: App): Promise<Client> {
  return new Client((await nodeServer(t, app)).port);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** The state of a request's stream. */
function told(req: IncomingMessage): Record<string, unknown> {
  const { complete, readableEnded, readableDidRead, readableAborted, readableFlowing } = req;
  const { destroyed, closed, aborted, errored } = req;
  return {
    complete,
    readableEnded,
    readableDidRead,
    readableAborted,
    readableFlowing,
    destroyed,
    closed,
    aborted,
    errored,
  };
}

test('a body is whole in however many pieces it comes, and one behind the other on a connection', async (t) => {
  const client = await connected(t, async (req, res) => {
    res.end(await readBody(req));
  });
  client.write(`${post(5)}hello${post(5)}again`);
  assert.equal((await client.response()).body, 'hello');
  assert.equal((await client.response()).body, 'again');
  client.write(post(6));
  for (const piece of ['ab', 'cd', 'ef']) {
    client.write(piece);
    await turn();
  }
  assert.equal((await client.response()).body, 'abcdef');
  client.close();
});

test('once a body is read the request says what one of bare node:http says, and finds readers and listeners the same end', async (t) => {
  const seen: unknown[] = [];
  const app: App = async (req, res) => {
    const body = String(await readBody(req));
    const events: string[] = [];
    for (const event of ['data', 'end', 'close', 'error']) req.on(event, () => events.push(event));
    await turn();
    const again = await readBody(req).catch((error: { code: string }) => error.code);
    const pieces: unknown[] = [];
    for await (const piece of req) pieces.push(piece);
    const end = await new Promise((resolve) => finished(req, (error) => resolve(error ?? 'finished')));
    seen.push({ body, again, pieces, end, events: events.filter((event) => event !== 'close'), ...told(req) });
    res.end('ok');
  };
  for (const client of [await connected(t, app), await onBareNode(t, app)]) {
    client.write(post(5));
    client.write('hello');
    await client.response();
    client.close();
  }
  assert.deepEqual(seen[0], seen[1]);
  assert.equal((seen[0] as { body: string }).body, 'hello');
});

test('who waits for the close of a request from within its reading hears of it', async (t) => {
  const client = await connected(t, (req, res) => {
    collectBody(req, 100, () => {
      req.on('end', () => res.end('told of an end that was over'));
      req.on('close', () => res.end('closed'));
    });
  });
  client.write(`${post(3)}abc`);
  assert.equal((await client.response()).body, 'closed');
  client.close();
});

test('RL-55 a client that leaves in the middle of a body that is gathered is an error, with its cause', async (t) => {
  const { promise, resolve } = deferred<PorticoError>();
  const { promise: reading, resolve: reads } = deferred<void>();
  const client = await connected(t, (req) => {
    readBody(req).catch(resolve);
    reads();
  });
  client.write(`${post(6)}abc`);
  await reading;
  client.close();
  const error = await promise;
  assert.equal(error.code, 'PORTICO_REQUEST_ABORTED');
  assert.equal((error.cause as { code: string }).code, 'ECONNRESET');
});

test('what destroys a request in the middle of its body is what its reader gets', async (t) => {
  const { promise, resolve } = deferred<Error>();
  const client = await connected(t, (req) => {
    readBody(req).catch(resolve);
    req.destroy(new Fault(400, { message: 'no more' }));
  });
  client.write(`${post(6)}abc`);
  assert.equal((await promise).message, 'no more');
  client.close();
});

test('a client that waits for 100 Continue gets it once its body is gathered', async (t) => {
  const client = await connected(t, async (req, res) => {
    await turn();
    res.end(await readBody(req));
  });
  client.write(post(5, 'expect: 100-continue\r\n'));
  await client.until(/^HTTP\/1.1 100 Continue\r\n\r\n$/);
  client.received = '';
  client.write('hello');
  assert.equal((await client.response()).body, 'hello');
  client.close();
});

test('a response before the end of a body that is gathered lets the connection go on', async (t) => {
  const client = await connected(t, (req, res) => {
    readBody(req).catch(() => {});
    res.end('early');
  });
  client.write(`${post(6)}abc`);
  assert.equal((await client.response()).body, 'early');
  client.write(`def${post(3)}ghi`);
  assert.equal((await client.response()).body, 'early');
  client.close();
});

test('whoever wraps the entrance of a body that is gathered changes nothing for its reader, who gets it once', async (t) => {
  const told: string[] = [];
  const { promise: wrapped, resolve: wraps } = deferred<void>();
  const { promise: piece, resolve: comes } = deferred<void>();
  const client = await connected(t, async (req, res) => {
    collectBody(req, 100, (_error, bytes) => {
      told.push(String(bytes));
      res.end('ok');
    });
    limitBody(req, 100, () => undefined);
    const { push } = req as unknown as { push: (chunk: unknown) => boolean };
    Object.assign(req, {
      push: (chunk: unknown) => {
        const more = push.call(req, chunk);
        comes();
        return more;
      },
    });
    wraps();
    await piece;
    req.on('end', () => undefined);
  });
  client.write(post(9));
  await wrapped;
  client.write('abc');
  await piece;
  client.write('def');
  await turn();
  client.write('ghi');
  assert.equal((await client.response()).body, 'ok');
  assert.deepEqual(told, ['abcdefghi']);
  client.close();
});

test('a body is held to the limit whatever a filter has made of the header that declared its length', async (t) => {
  for (const said of ['1', 'unknown', undefined]) {
    const client = await connected(t, (req, res) => {
      if (said === undefined) delete req.headers['content-length'];
      else req.headers['content-length'] = said;
      readBody(req, { limit: 10 }).then(
        (bytes) => res.end(String(bytes.length)),
        ({ status }: Fault) => res.end(String(status)),
      );
    });
    client.write(post(1000) + 'x'.repeat(1000));
    assert.equal((await client.response()).body, '413');
    client.close();
  }
});

test('the body of an object that stands for a request is read as the request’s', async (t) => {
  const client = await connected(t, async (req, res) => {
    res.end(await readBody(Object.create(req) as IncomingMessage));
  });
  client.write(`${post(5)}hello`);
  assert.equal((await client.response()).body, 'hello');
  client.close();
});

test('a reader who pauses a request after all gets its body when it is resumed', async (t) => {
  const client = await connected(t, async (req, res) => {
    const reading = readBody(req);
    req.pause();
    await turn();
    let isThere = false;
    void reading.then(() => {
      isThere = true;
    });
    await turn();
    const early = isThere;
    req.resume();
    res.end(`${String(await reading)} ${early}`);
  });
  client.write(`${post(5)}hello`);
  assert.equal((await client.response()).body, 'hello false');
  client.close();
});

test('an error that a reader throws is nobody’s, and the connection goes on', async (t) => {
  const { promise: thrown, resolve: throws } = deferred<Error>();
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  process.once('uncaughtException', throws);
  t.after(() => {
    for (const listener of listeners) process.on('uncaughtException', listener);
  });
  const client = await connected(t, (req, res) => {
    collectBody(req, 100, (_error, bytes) => {
      res.end(bytes);
      if (String(bytes) === 'first') throw new Error('of a reader');
    });
  });
  client.write(`${post(5)}first`);
  assert.equal((await client.response()).body, 'first');
  assert.equal((await thrown).message, 'of a reader');
  client.write(`${post(6)}second`);
  assert.equal((await client.response()).body, 'second');
  client.close();
});
