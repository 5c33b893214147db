import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { PassThrough, Readable, Transform } from 'node:stream';
import { test } from 'node:test';
import { createGunzip, createGzip, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type App, afterResponse, beforeHead, compose, type Filter, transformBody } from 'portico/app';
import { lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';

const through =
  (make: (res: ServerResponse) => Transform | undefined): Filter =>
  (app) =>
  (req, res) => {
    transformBody(res, make);
    return app(req, res);
  };

const marking = (mark: string): Filter =>
  through(
    () =>
      new Transform({
        transform: (chunk: Buffer, _encoding, done) => done(null, chunk),
        flush(done) {
          this.push(mark);
          done();
        },
      }),
  );

test('MW-7 a body goes through the streams innermost first, and its length is not declared', async () => {
  const app: App = (_req, res) => {
    res.writeHead(200, { 'content-length': 5 });
    res.end('hello');
  };
  const response = await request(lint(compose([marking('-outer'), marking('-inner')], app)), 'GET', '/');
  assert.equal(response.text(), 'hello-inner-outer');
  assert.equal(response.headers['content-length'], undefined);
  assert.equal(response.headers['transfer-encoding'], 'chunked');
});

test('the stream is chosen when status and headers are known, in order with the listeners of headers', async () => {
  const order: string[] = [];
  const filters: Filter[] = [
    (app) => (req, res) => {
      beforeHead(res, () => order.push('outer head'));
      return app(req, res);
    },
    through((res) => {
      order.push(
        `${res.statusCode} ${String(res.getHeader('content-type'))} ${String(res.getHeader('content-length'))}`,
      );
      return undefined;
    }),
    (app) => (req, res) => {
      beforeHead(res, () => order.push('inner head'));
      return app(req, res);
    },
  ];
  const app: App = (_req, res) => {
    res.setHeader('content-type', 'text/a');
    res.end('hello');
  };
  const response = await request(lint(compose(filters, app)), 'GET', '/');
  assert.deepEqual(order, ['inner head', '200 text/a 5', 'outer head']);
  assert.equal(response.headers['content-length'], '5');
  assert.equal(response.text(), 'hello');
});

for (const [what, method, status] of [
  ['HEAD', 'HEAD', 200],
  ['204', 'GET', 204],
  ['304', 'GET', 304],
] as const) {
  test(`MW-7 ${what} has no body to transform`, async () => {
    let asked = false;
    const filter = through(() => {
      asked = true;
      return new PassThrough();
    });
    const app: App = (_req, res) => {
      res.statusCode = status;
      res.end('hello');
    };
    const response = await request(filter(app), method, '/');
    assert.equal(asked, false);
    assert.equal(response.text(), '');
  });
}

test('trailers and callbacks arrive after the transformed body', async () => {
  const called: string[] = [];
  const app: App = (_req, res) => {
    res.setHeader('trailer', 'x-sum');
    res.write('a', () => called.push('write'));
    res.addTrailers({ 'x-sum': '42' });
    res.end('b', () => called.push('end'));
    res.end(() => called.push('second end'));
    assert.equal(res.writableEnded, true);
  };
  const response = await request(lint(marking('!')(app)), 'GET', '/');
  assert.equal(response.text(), 'ab!');
  assert.equal(response.trailers['x-sum'], '42');
  assert.deepEqual(called, ['write', 'end', 'second end']);
});

test('a stream that fails breaks the response off, and says why afterwards', async () => {
  const failing = through(() => new Transform({ transform: (_chunk, _encoding, done) => done(new Error('no ink')) }));
  let outcome: unknown;
  const app: App = (_req, res) => {
    afterResponse(res, (told) => {
      outcome = told;
    });
    res.end('hello');
  };
  await assert.rejects(request(failing(app), 'GET', '/'), { code: 'ECONNRESET' });
  assert.deepEqual(outcome, { completed: false, error: new Error('no ink') });
});

test('RL-33 back-pressure holds from the socket to the app, whatever the streams do to the size', async () => {
  const piece = Buffer.alloc(16_384, 'x');
  let written = 0;
  // The stream triples the bytes: if each drain of the socket woke the app, the app would run ahead.
  const app: App = (_req, res) => {
    const source = Readable.from(
      (function* () {
        for (let sent = 0; sent < 600; sent++) {
          written += 1;
          yield piece;
        }
      })(),
    );
    source.pipe(res);
  };
  const growing = through(
    () =>
      new Transform({
        transform: (chunk: Buffer, _encoding, done) => done(null, Buffer.concat([chunk, chunk, chunk])),
      }),
  );
  let atFirstByte = -1;
  const stalled: App = async (req, res) => {
    void growing(app)(req, res);
    // The client does not read until the app has paused.
    await new Promise<void>((resolve) => {
      const look = (last: number): void => {
        setImmediate(() => (written === last ? resolve() : look(written)));
      };
      setImmediate(() => look(-1));
    });
    atFirstByte = written;
  };
  const response = await request(stalled, 'GET', '/');
  assert.equal(response.body.length, 600 * 3 * 16_384);
  assert.ok(atFirstByte < 600, `the app wrote all ${atFirstByte} pieces at once`);
});

test('any way of writing a body gives the same bytes through gzip', async () => {
  const gzipping = through((res) => {
    res.setHeader('content-encoding', 'gzip');
    return createGzip();
  });
  const piece = fc.oneof(fc.string({ maxLength: 30 }), fc.uint8Array({ maxLength: 30 }));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 6 }), fc.boolean(), fc.boolean(), async (pieces, last, head) => {
      const app: App = (_req, res) => {
        if (head) res.writeHead(200, ['content-type', 'text/plain']);
        for (const one of last ? pieces.slice(0, -1) : pieces) res.write(one);
        if (last && pieces.length > 0) res.end(pieces.at(-1));
        else res.end();
      };
      const response = await request(lint(gzipping(app)), 'GET', '/');
      assert.deepEqual(gunzipSync(response.body), Buffer.concat(pieces.map((one) => Buffer.from(one as string))));
    }),
    { numRuns: 60 },
  );
});

test('streams compose: what one packs the next unpacks', async () => {
  const filters = [through(() => createGunzip()), through(() => createGzip())];
  const app: App = (_req, res) => {
    Readable.from(['a', 'b', 'c']).pipe(res);
  };
  assert.equal((await request(lint(compose(filters, app)), 'GET', '/')).text(), 'abc');
});

test('encodings of strings are kept', async () => {
  const app: App = (_req, res) => {
    res.write('e4', 'hex');
    res.end('ä', 'latin1');
  };
  const answer = await rawRequest(lint(marking('')(app)), 'GET / HTTP/1.0\r\n\r\n');
  assert.ok(answer.endsWith('\r\n\r\n\xe4\xe4'));
});
