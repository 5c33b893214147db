/** The context in which a body over its limit is told. */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { test } from 'node:test';
import fc from 'fast-check';
import { limitBody } from 'portico/app';
import { Server } from 'portico/server';
import { Client, portOf } from '../server/raw-client.js';

const LIMIT = 20;

/** A request with a body in chunks. */
const chunked = (path: string, pieces: readonly number[]): string =>
  [
    `POST /${path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n`,
    ...pieces.map((size) => `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`),
    '0\r\n\r\n',
  ].join('');

const piece = fc.integer({ min: 1, max: 15 });
/** Requests of one connection whose bodies fit, and one whose body does not; where its bytes are cut as they are sent. */
const connection = fc.record({
  before: fc.array(fc.constantFrom([], [5], [3, 4]), { maxLength: 3 }),
  last: fc.array(piece, { minLength: 3, maxLength: 6 }).map((pieces) => [...pieces, LIMIT]),
  cuts: fc.array(fc.integer({ min: 1, max: 300 }), { maxLength: 4 }),
});

test('a body over its limit is told in the async context of its request', async (t) => {
  const context = new AsyncLocalStorage<string>();
  const told: [path: string, store: string | undefined][] = [];
  const server = new Server('limits', (req, res) => {
    const path = req.url!;
    return context.run(path, () => {
      limitBody(req, LIMIT, () => {
        told.push([path, context.getStore()]);
        res.writeHead(413, { connection: 'close', 'content-length': 0 }).end();
      });
      // At once, or when the body has come already.
      const answer = (): void => void req.on('data', () => undefined).on('end', () => res.end(path));
      if (path.length % 2 === 0) answer();
      else setImmediate(answer);
    });
  });
  await server.start();
  t.after(() => server.stop());
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
