/** Files as responses, of `Reply.file` and of static_files, which share the one way to send them. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type App, beforeHead, compose, environ, type Filter } from 'portico/app';
import { compression, securityHeaders, staticFiles, staticFilesFilter } from 'portico/middleware';
import { type FileOptions, Reply, Router } from 'portico/routing';
import { buildApp, buildFilter } from 'portico/testing';
import type { Logger } from '../../dist/log/log.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { memoryLog } from '../server/memory-log.js';
import { exchange, portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

function rootOf(): string {
  const root = temporaryFolder('portico-sender-');
  writeFileSync(join(root, 'a.txt'), 'abcdef');
  writeFileSync(join(root, 'empty.txt'), '');
  mkdirSync(join(root, 'sub'));
  writeFileSync(join(root, 'sub', 'index.html'), '<p>sub');
  return root;
}

/** The ways to serve the files of a folder. */
const WAYS: Record<string, (root: string, options?: FileOptions, log?: Logger) => Promise<App>> = {
  'Reply.file': (root, options, log) =>
    new Router({ log }).get('/{name:path}', ({ params }) => Reply.file(params.name, { root, ...options })).build(),
  'Reply.file, with a plugin': (root, options, log) =>
    new Router({ log, plugins: [async () => undefined] })
      .get('/{name:path}', ({ params }) => Reply.file(params.name, { root, ...options }))
      .build(),
  'the app static_files': async (root, { maxAge = 0 } = {}) =>
    (await buildApp(staticFiles, { local: { document_root: root, cache_max_age: String(maxAge) } })).made,
  'the filter static_files': async (root, { maxAge = 0 } = {}) => {
    const { made } = await buildFilter(staticFilesFilter, {
      local: { document_root: root, cache_max_age: String(maxAge) },
    });
    return made((_req, res) => void res.writeHead(404).end());
  },
};

async function served(t: TestContext, app: App, log = memoryLog()) {
  const server = await startedServer(t, 'files', app, { log });
  /** Sends one request; its connection closes after it. */
  const ask = async (method: string, path: string, ...sent: string[]) => {
    const lines = [`${method} ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...sent];
    const [head = '', body = ''] = (await exchange(portOf(server), `${lines.join('\r\n')}\r\n\r\n`)).split('\r\n\r\n');
    const fields = head.split('\r\n').slice(1);
    const headers = new Map(
      fields.map((line) => [line.split(':')[0]!.toLowerCase(), line.replace(/^[^:]*:/, '').trim()]),
    );
    return { status: Number(head.split(' ')[1]), headers, body };
  };
  return { ask };
}

const failing = (listener: () => unknown): Filter => {
  return (app) => (req, res) => {
    if (req.headers['x-fails'] !== undefined) beforeHead(res, listener);
    return app(req, res);
  };
};

for (const [way, make] of Object.entries(WAYS)) {
  test(`MW-57 a path with dot segments is no file, also if it leads to one of the folder: ${way}`, async (t) => {
    const app = await make(rootOf());
    const server = await startedServer(t, 'files', app, { paths: 'as_sent' });
    const ask = async (path: string): Promise<string> =>
      (await exchange(portOf(server), `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).slice(9, 12);
    assert.equal(await ask('/a.txt'), '200');
    assert.equal(await ask('/sub//index.html'), '200');
    for (const path of [
      '/sub/../a.txt',
      '/x/../a.txt',
      '/./a.txt',
      '/sub/./index.html',
      '/sub/%2e%2e/a.txt',
      '/sub/..%2fa.txt',
    ])
      assert.equal(await ask(path), '404', path);
  });
}

for (const [way, make] of Object.entries(WAYS)) {
  for (const [how, listener, code] of [
    [
      'throws',
      (): never => {
        throw new Error('no head');
      },
      undefined,
    ],
    ['is async', async () => undefined, 'PORTICO_HEAD_PROMISE'],
  ] as const) {
    test(`RV-3 a listener of the headers that ${how} is a logged 500 of its request: ${way}`, async (t) => {
      const log = memoryLog();
      const { ask } = await served(t, compose([failing(listener)], await make(rootOf(), {}, log)), log);
      const { headers } = await ask('GET', '/a.txt');
      const etag = headers.get('etag')!;
      for (const [method, path, ...conditions] of [
        ['GET', '/a.txt'],
        ['HEAD', '/a.txt'],
        ['GET', '/empty.txt'],
        ['GET', '/a.txt', `If-None-Match: ${etag}`],
        ['HEAD', '/a.txt', `If-None-Match: ${etag}`],
        ['GET', '/a.txt', 'Range: bytes=1-2'],
        ...(way.startsWith('Reply')
          ? []
          : [
              ['GET', '/sub'],
              ['HEAD', '/sub'],
              ['HEAD', '/sub/'],
            ]),
      ] as [string, string, ...string[]][]) {
        log.lines.length = 0;
        const { status } = await ask(method, path, 'X-Fails: 1', ...conditions);
        assert.equal(status, 500, `${method} ${path} ${conditions.join()}`);
        const [line, ...more] = log.lines.filter(({ level }) => level === 'error');
        const { err, ...fields } = line!.fields as { err: Error & { code?: string }; method: string };
        assert.deepEqual([fields.method, err.code, more], [method, code, []]);
      }
      assert.equal((await ask('GET', '/a.txt')).body, 'abcdef');
    });
  }

  test(`WD-7 RV-16 If-Range is compared strongly, and HEAD ignores a range: ${way}`, async (t) => {
    const { ask } = await served(t, await make(rootOf()));
    const { headers } = await ask('GET', '/a.txt');
    const [etag, modified] = [headers.get('etag')!, headers.get('last-modified')!];
    assert.match(etag, /^W\//);
    const later = new Date(Date.parse(modified) + 60_000).toUTCString();
    const rows: [validator: string, status: number][] = [
      [etag, 200],
      [etag.slice(2), 200],
      [later, 200],
      [modified, 206],
    ];
    for (const [validator, status] of rows) {
      const answer = await ask('GET', '/a.txt', 'Range: bytes=1-2', `If-Range: ${validator}`);
      assert.deepEqual([answer.status, answer.body], [status, status === 206 ? 'bc' : 'abcdef'], validator);
    }
    const head = await ask('HEAD', '/a.txt', 'Range: bytes=1-2');
    const { headers: told } = head;
    assert.deepEqual(
      [head.status, told.get('content-length'), told.get('content-range'), told.get('accept-ranges')],
      [200, '6', undefined, 'bytes'],
    );
  });

  test(`WD-4 AT-7 a file is public only if the application says so: ${way}`, async (t) => {
    const root = rootOf();
    const known: Filter = (app) => (req, res) => {
      if (req.headers['x-user'] !== undefined) environ(req).identity = { userId: 'ada' };
      return app(req, res);
    };
    const { made: security } = await buildFilter(securityHeaders);
    const cacheControl = async (filters: Filter[], options: FileOptions, ...headers: string[]) => {
      const { ask } = await served(t, compose(filters, await make(root, options)));
      return (await ask('GET', '/a.txt', ...headers)).headers.get('cache-control');
    };
    assert.equal(await cacheControl([known], { maxAge: 60 }), 'max-age=60');
    assert.equal(await cacheControl([known], { maxAge: 60 }, 'X-User: 1'), 'private, max-age=60');
    assert.equal(await cacheControl([known], {}), 'max-age=0');
    assert.equal(await cacheControl([known], {}, 'X-User: 1'), 'private, max-age=0');
    assert.equal(await cacheControl([security, known], { maxAge: 60 }, 'X-User: 1'), 'private, max-age=60');
    assert.equal(await cacheControl([security, known], {}, 'X-User: 1'), 'no-store');
    if (way.startsWith('Reply')) {
      const headers = { 'cache-control': 'public, max-age=9' };
      assert.equal(await cacheControl([known], { headers, maxAge: 60 }, 'X-User: 1'), 'public, max-age=9');
    }
  });
}

test('WD-7 the ETag of an application may be strong, and parts of a compressed file are not offered', async (t) => {
  const root = rootOf();
  writeFileSync(join(root, 'long.txt'), 'x'.repeat(5000));
  const { made: packs } = await buildFilter(compression);
  const { ask } = await served(t, compose([packs], await WAYS['Reply.file']!(root, { headers: { etag: '"v1"' } })));
  const part = await ask('GET', '/long.txt', 'Range: bytes=1-2', 'If-Range: "v1"', 'Accept-Encoding: gzip');
  assert.deepEqual([part.status, part.body], [206, 'xx']);
  const packed = await ask('GET', '/long.txt', 'Accept-Encoding: gzip');
  const { headers } = packed;
  assert.deepEqual(
    [headers.get('content-encoding'), headers.get('etag'), headers.get('accept-ranges')],
    ['gzip', 'W/"v1"', undefined],
  );
  const mixed = await ask('GET', '/long.txt', 'Range: bytes=1-2', 'If-Range: W/"v1"', 'Accept-Encoding: gzip');
  assert.equal(mixed.status, 200);
});

test('AT-18 half a surrogate pair in the name of a download is replaced', async (t) => {
  const { ask } = await served(t, await WAYS['Reply.file']!(rootOf(), { download: 'a\ud800b😀\udc00.txt' }));
  const { status, headers } = await ask('GET', '/a.txt');
  assert.deepEqual(
    [status, headers.get('content-disposition')],
    [200, `attachment; filename="a_b__.txt"; filename*=UTF-8''a%EF%BF%BDb%F0%9F%98%80%EF%BF%BD.txt`],
  );
});

test('RW-13 a file that another replaces by its name while it is sent is the one or the other, whole', async (t) => {
  const root = rootOf();
  const app = await WAYS['Reply.file']!(root);
  const { ask } = await served(t, app);
  const texts = ['x'.repeat(40_000), 'y'.repeat(25)];
  let isOver = false;
  const replaced = (async () => {
    for (let count = 0; !isOver; count++) {
      const next = join(root, 'next.txt');
      writeFileSync(next, texts[count % 2]!);
      // The time of the older one, as a deployment may set it.
      if (count % 3 === 0) utimesSync(next, 1000, 1000);
      renameSync(next, join(root, 'a.txt'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  for (let sent = 0; sent < 100; sent++) {
    const { status, headers, body } = await ask('GET', '/a.txt');
    assert.equal(status, 200);
    assert.ok(body === 'abcdef' || texts.includes(body), `${body.length} bytes`);
    assert.equal(Number(headers.get('content-length')), body.length);
  }
  isOver = true;
  await replaced;
});

test('RW-13 a link that replaces a file while it is sent leads nowhere', {
  skip: process.platform === 'win32',
}, async (t) => {
  const root = rootOf();
  const outside = temporaryFolder('portico-outside-');
  writeFileSync(join(outside, 'secret'), 'secret');
  const { ask } = await served(t, await WAYS['Reply.file']!(root));
  let isOver = false;
  const replaced = (async () => {
    for (let count = 0; !isOver; count++) {
      const next = join(root, 'next.txt');
      if (count % 2 === 0) symlinkSync(join(outside, 'secret'), next);
      else writeFileSync(next, 'abcdef');
      renameSync(next, join(root, 'a.txt'));
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  const statuses = new Set<number>();
  for (let sent = 0; sent < 100; sent++) {
    const { status, body } = await ask('GET', '/a.txt');
    statuses.add(status);
    assert.ok(!body.includes('secret') && (status === 200) === (body === 'abcdef'), `${status} ${body}`);
  }
  isOver = true;
  await replaced;
  assert.deepEqual([...statuses].sort(), [200, 404]);
});
