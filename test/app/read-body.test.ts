import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { type App, readBody } from 'portico/app';
import { lint, request } from 'portico/testing';
import { limitBody, tooLarge } from '#internal/app';
import { Client, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const echo =
  (limit?: number): App =>
  async (req, res) => {
    res.end(await readBody(req, limit === undefined ? {} : { limit }));
  };

async function* chunks(...pieces: string[]): AsyncGenerator<string> {
  for (const piece of pieces) {
    yield piece;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('a body is read whole, whether its length was declared or not', async () => {
  assert.equal((await request(lint(echo()), 'POST', '/', { body: 'hello' })).text(), 'hello');
  assert.equal((await request(lint(echo()), 'POST', '/', { body: chunks('he', 'llo') })).text(), 'hello');
  assert.equal((await request(lint(echo()), 'GET', '/')).text(), '');
});

test('a body over the limit gets 413, declared or counted; one of the limit passes', async () => {
  assert.equal((await request(lint(echo(5)), 'POST', '/', { body: 'hello' })).status, 200);
  assert.equal((await request(lint(echo(5)), 'POST', '/', { body: chunks('hel', 'lo') })).status, 200);
  const declared = await request(lint(echo(4)), 'POST', '/', { body: 'hello' });
  assert.equal(declared.status, 413);
  assert.match(declared.json().error.message, /limit of 4 bytes/);
  assert.equal((await request(lint(echo(4)), 'POST', '/', { body: chunks('hel', 'lo') })).status, 413);
  assert.equal((await request(lint(echo(0)), 'POST', '/', { body: 'x' })).status, 413);
});

test('a body that was read already is an error, not a wait without end', async () => {
  let failure: unknown;
  await request(
    async (req, res) => {
      await readBody(req);
      await readBody(req).catch((error: unknown) => {
        failure = error;
      });
      res.end();
    },
    'POST',
    '/',
    { body: 'hello' },
  );
  assert.equal((failure as { code: string }).code, 'PORTICO_BODY_CONSUMED');
});

test('RL-55 a client that leaves in the middle of its body is an error, never a short body', async () => {
  const failure = await new Promise<unknown>((resolve) => {
    const server = createServer((req: IncomingMessage) => {
      readBody(req).then(resolve, resolve);
      req.once('data', () => socket.destroy());
    });
    let socket: ReturnType<typeof connect>;
    server.listen(0, '127.0.0.1', () => {
      socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhal');
      socket.on('close', () => server.close());
    });
  });
  assert.equal((failure as { code: string }).code, 'PORTICO_REQUEST_ABORTED');
});

test('limitBody counts what others read, and neither the rest nor an end gets through', async () => {
  const seen: string[] = [];
  let exceeded = 0;
  const app: App = (req) =>
    new Promise((_resolve, reject) => {
      limitBody(req, 4, () => {
        exceeded += 1;
        reject(tooLarge(4));
      });
      req.on('data', (chunk: Buffer) => seen.push(chunk.toString()));
      req.on('end', () => seen.push('end'));
      req.on('error', () => seen.push('error'));
    });
  const response = await request(app, 'POST', '/', { body: chunks('hel', 'lo', 'again') });
  assert.equal(response.status, 413);
  assert.equal(exceeded, 1);
  assert.equal(seen[0], 'hel');
  assert.ok(!seen.includes('end'));
});

test('a body of which somebody has taken a part is an error, never the rest of it', async () => {
  const codes: string[] = [];
  for (const takes of ['data', 'read', 'iterate']) {
    await request(
      async (req, res) => {
        if (takes === 'data') await new Promise((resolve) => req.once('data', resolve));
        else if (takes === 'iterate') {
          for await (const _ of req) break;
        } else {
          await new Promise((resolve) => req.once('readable', resolve));
          req.read(2);
        }
        codes.push(await readBody(req).then(String, ({ code }: { code: string }) => code));
        res.end();
      },
      'POST',
      '/',
      { body: chunks('hello', 'world') },
    ).catch(() => undefined);
  }
  assert.deepEqual(codes, ['PORTICO_BODY_CONSUMED', 'PORTICO_BODY_CONSUMED', 'PORTICO_BODY_CONSUMED']);
});

const LIMIT = 20;

/** Returns a request with a chunked body. */
const chunked = (path: string, pieces: readonly number[]): string =>
  [
    `POST /${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...pieces.map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`),
    '0\r\n\r\n',
  ].join('');

const piece = fc.integer({ min: 1, max: 15 });

/** A connection: requests whose bodies fit, one whose body does not, and the offsets where the bytes are split. */
const connection = fc.record({
  before: fc.array(fc.constantFrom([], [5], [3, 4]), { maxLength: 3 }),
  last: fc.array(piece, { minLength: 3, maxLength: 6 }).map((pieces) => [...pieces, LIMIT]),
  cuts: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
});

test('a body over its limit is reported in the async context of its request', async (t) => {
  const context = new AsyncLocalStorage<string>();
  const told: [path: string, store: string | undefined][] = [];
  const server = await startedServer(t, 'limits', (req, res) => {
    const path = req.url!;
    return context.run(path, () => {
      limitBody(req, LIMIT, () => {
        told.push([path, context.getStore()]);
        res.writeHead(413, { connection: 'close', 'content-length': 0 }).end();
      });
      // Read at once, or after the body may have arrived.
      const answer = (): void => void req.on('data', () => undefined).on('end', () => res.end(path));
      if (path.length % 2 === 0) answer();
      else setImmediate(answer);
    });
  });
  let count = 0;
  type Given = { before: readonly (readonly number[])[]; last: number[]; cuts: number[] };
  const run = async ({ before, last, cuts }: Given): Promise<void> => {
    const name = `${'a'.repeat(count % 3)}${count++}`;
    const text = [...before.map((pieces, at) => chunked(`${name}-${at}`, pieces)), chunked(`${name}-last`, last)].join(
      '',
    );
    const client = new Client(portOf(server));
    let sent = 0;
    for (const cut of cuts) {
      client.write(text.slice(sent, sent + cut));
      sent += cut;
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.write(text.slice(sent));
    await client.closed;
  };
  await fc.assert(
    fc.asyncProperty(fc.array(connection, { minLength: 1, maxLength: 4 }), async (connections) => {
      told.length = 0;
      await Promise.all(connections.map(run));
      assert.equal(told.length, connections.length);
      for (const [path, store] of told) assert.equal(store, path);
    }),
    { numRuns: 50 },
  );
});
