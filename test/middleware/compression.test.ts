import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { brotliDecompressSync, createBrotliDecompress, createGunzip, gunzipSync } from 'node:zlib';
import { type App, compose, environ, RequestContext } from 'portico/app';
import { compression, etag } from 'portico/middleware';
import { Reply, Router } from 'portico/routing';
import { Server } from 'portico/server';
import { buildFilter, lint, request, type TestResponse } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { portOf } from '../server/raw-client.js';

const TEXT = 'hello '.repeat(1000);
const answering =
  (headers: Record<string, string>, body = TEXT, status = 200): App =>
  (_req, res) => {
    res.writeHead(status, { 'content-type': 'application/json', ...headers });
    res.end(body);
  };

async function ask(app: App, accept: string | undefined, local: Record<string, string> = {}): Promise<TestResponse> {
  const { made } = await buildFilter(compression, { local });
  const headers = accept === undefined ? {} : { 'accept-encoding': accept };
  return request(lint(made(app)), 'GET', '/', { headers });
}

test('MW-55 the coding the client likes best, with Vary and without the old length', async () => {
  const gzip = await ask(answering({ 'content-length': String(TEXT.length) }), 'gzip');
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(gzip.headers.vary, 'Accept-Encoding');
  assert.equal(gzip.headers['content-length'], undefined);
  assert.equal(gunzipSync(gzip.body).toString(), TEXT);
  const br = await ask(answering({}), 'gzip, br');
  assert.equal(brotliDecompressSync(br.body).toString(), TEXT);
  assert.equal((await ask(answering({}), 'gzip;q=1, br;q=0.1')).headers['content-encoding'], 'gzip');
});

for (const [what, app, accept] of [
  ['nothing asked for', answering({}), undefined],
  ['nothing acceptable', answering({}), 'identity'],
  ['gzip refused', answering({}), 'gzip;q=0'],
  ['a small body', answering({ 'content-length': '2' }, '{}'), 'gzip'],
  ['a body that is encoded', answering({ 'content-encoding': 'x' }), 'gzip'],
  ['no-transform', answering({ 'cache-control': 'public, no-transform' }), 'gzip'],
  ['a part', answering({ 'content-range': 'bytes 0-1/2' }, TEXT, 206), 'gzip'],
  ['records one by one', answering({ 'content-type': 'application/json-seq' }), 'gzip'],
  ['events', answering({ 'content-type': 'text/event-stream' }), 'gzip'],
  ['images', answering({ 'content-type': 'image/png' }), 'gzip'],
] as const) {
  test(`MW-55 left alone: ${what}`, async () => {
    const response = await ask(app, accept);
    assert.ok(response.headers['content-encoding'] === undefined || what === 'a body that is encoded');
    assert.ok(response.text().length > 1);
  });
}

test('MW-55 a strong ETag becomes weak, Vary is there also for clients that get it plain', async () => {
  assert.equal((await ask(answering({ etag: '"1"' }), 'gzip')).headers.etag, 'W/"1"');
  const plain = await ask(answering({ etag: '"1"', vary: 'Origin' }), undefined);
  assert.equal(plain.headers.etag, '"1"');
  assert.equal(plain.headers.vary, 'Origin, Accept-Encoding');
});

test('MW-55 HTML for somebody in particular is not compressed', async () => {
  const page: App = (req, res) => {
    environ(req).context = new RequestContext({ userId: 'u' });
    return answering({ 'content-type': 'text/html' })(req, res);
  };
  assert.equal((await ask(page, 'gzip')).headers['content-encoding'], undefined);
});

test('AU-6 what another site may have asked for with a cookie or password of the browser is not compressed (BREACH)', async () => {
  const { made } = await buildFilter(compression);
  const encoding = async (type: string, headers: Record<string, string>): Promise<unknown> => {
    const app = lint(made(answering({ 'content-type': type })));
    const sent = { 'accept-encoding': 'gzip', ...headers };
    return (await request(app, 'GET', '/', { headers: sent })).headers['content-encoding'];
  };
  for (const credentials of [{ cookie: 'session=a' }, { authorization: 'Basic YTpi' }] as Record<string, string>[]) {
    for (const type of ['application/json', 'application/problem+json', 'application/xml', 'text/plain']) {
      assert.equal(await encoding(type, credentials), undefined, type);
      for (const site of ['cross-site', 'same-site', 'odd']) {
        assert.equal(await encoding(type, { ...credentials, 'sec-fetch-site': site }), undefined, site);
      }
      for (const site of ['same-origin', 'none']) {
        assert.equal(await encoding(type, { ...credentials, 'sec-fetch-site': site }), 'gzip', site);
      }
    }
    for (const type of ['text/css', 'text/javascript', 'application/javascript', 'image/svg+xml']) {
      assert.equal(await encoding(type, credentials), 'gzip', type);
    }
  }
  assert.equal(await encoding('application/json', {}), 'gzip');
  assert.equal(await encoding('application/json', { 'x-auth-token': 'a' }), 'gzip');
});

test('MW-55 a body ended in one piece without a declared length counts with its length', async () => {
  const app: App = (_req, res) => {
    res.setHeader('content-type', 'text/plain');
    res.end('small');
  };
  const response = await ask(app, 'gzip');
  assert.equal(response.headers['content-encoding'], undefined);
  assert.equal(response.headers['content-length'], '5');
});

test('MW-55 HEAD has the headers of its GET, and no length that the GET would not have', async () => {
  const { made } = await buildFilter(compression);
  const head = async (length: string): Promise<TestResponse> => {
    const app = made(answering({ 'content-length': length, etag: '"1"' }, ''));
    return request(lint(app), 'HEAD', '/', { headers: { 'accept-encoding': 'gzip' } });
  };
  const large = await head('7000');
  assert.equal(large.headers['content-encoding'], 'gzip');
  assert.equal(large.headers['content-length'], undefined);
  assert.equal(large.headers.etag, 'W/"1"');
  const small = await head('2');
  assert.equal(small.headers['content-encoding'], undefined);
  assert.equal(small.headers['content-length'], '2');
});

test('MW-55 a 304 has the Vary and the ETag of the 200 in its place', async () => {
  const { made } = await buildFilter(compression);
  const tagged = await buildFilter(etag);
  const app = answering({ 'content-type': 'text/plain' });
  const asked = (served: App, headers: Record<string, string>, method = 'GET'): Promise<TestResponse> =>
    request(lint(served), method, '/', { headers: { 'accept-encoding': 'gzip', ...headers } });
  const served = compose([made, tagged.made], app);
  const whole = await asked(served, {});
  assert.equal(whole.headers['content-encoding'], 'gzip');
  const known = await asked(served, { 'if-none-match': whole.headers.etag! });
  assert.deepEqual(
    [known.status, known.headers.vary, known.headers.etag],
    [304, 'Accept-Encoding', whole.headers.etag],
  );
  const { headers } = await asked(served, {}, 'HEAD');
  assert.ok(headers.etag === undefined || headers.etag === whole.headers.etag, 'HEAD has another ETag than GET');
  // A 304 without a type, as Express sends it, and one that must not change.
  const unchanged = (more: Record<string, string>): App =>
    made((_req, res) => void res.writeHead(304, { etag: '"1"', ...more }).end());
  const own = await asked(unchanged({}), { 'if-none-match': '"1"' });
  assert.deepEqual([own.headers.vary, own.headers.etag], ['Accept-Encoding', '"1"']);
  const plain = await request(lint(unchanged({})), 'GET', '/', { headers: { 'if-none-match': 'W/"1"' } });
  assert.deepEqual([plain.headers.vary, plain.headers.etag], ['Accept-Encoding', '"1"']);
  const left = await asked(unchanged({ 'cache-control': 'no-transform' }), { 'if-none-match': 'W/"1"' });
  assert.deepEqual([left.headers.vary, left.headers.etag], [undefined, '"1"']);
});

for (const [encoding, decoder] of [
  ['gzip', createGunzip],
  ['br', createBrotliDecompress],
] as const) {
  for (const type of ['text/plain', 'application/x-ndjson+json']) {
    test(`RV-8 a line of a stream arrives before the next one exists: ${encoding}, ${type}`, async (t) => {
      const arrivals: (() => void)[] = [];
      async function* lines() {
        for (const line of ['one', 'two', 'three']) {
          const arrived = new Promise<void>((resolve) => arrivals.push(resolve));
          yield `${line}\n`;
          await arrived;
        }
      }
      const router = new Router({ log: silentLogger() });
      router.get('/lines', () => new Reply(lines(), { headers: { 'content-type': type } }));
      const app = await router.build();
      const filters = [await buildFilter(compression), await buildFilter(etag)].map(({ made }) => made);
      const server = new Server('lines', compose(filters, app), { log: silentLogger() });
      await server.start();
      t.after(async () => {
        await server.stop();
        await app.close();
      });
      const sent = get({
        port: portOf(server),
        path: '/lines',
        headers: { 'accept-encoding': encoding },
        agent: false,
      });
      const [answer] = (await once(sent, 'response')) as [IncomingMessage];
      assert.deepEqual([answer.headers['content-encoding'], answer.headers.etag], [encoding, undefined]);
      let text = '';
      for await (const piece of answer.pipe(decoder())) {
        text += String(piece);
        arrivals.shift()?.();
      }
      assert.equal(text, 'one\ntwo\nthree\n');
    });
  }
}

test('RV-8 pieces that come in one turn are compressed together', async () => {
  const packed = async (pieces: readonly string[]): Promise<number> => {
    const app: App = (_req, res) => {
      res.writeHead(200, { 'content-type': 'text/plain' });
      for (const piece of pieces) res.write(piece);
      res.end();
    };
    const { body, text } = await ask(app, 'gzip');
    assert.equal(gunzipSync(body).toString(), pieces.join(''), text());
    return body.length;
  };
  const one = await packed([TEXT]);
  const many = await packed(TEXT.split(''));
  assert.ok(many < one + 20, `${many} bytes in place of ${one}`);
});
