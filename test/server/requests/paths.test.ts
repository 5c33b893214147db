/** `paths`: which spellings of a path reach the application. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { type App, requestPath } from 'portico/app';
import { Config } from 'portico/config';
import { Loader, urlmap } from 'portico/loader';
import { staticFiles } from 'portico/middleware';
import { Router } from 'portico/routing';
import type { ServerOptions } from 'portico/server';
import { buildApp } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { canonicalTarget } from '../../../dist/server/requests/request-guard.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { exchange, portOf } from '../raw-client.js';
import { startedServer, startedService } from '../started-server.js';

const get = (target: string) => `GET ${target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`;

async function serving(t: TestContext, app: App, paths: NonNullable<ServerOptions['paths']>) {
  const server = await startedServer(t, 'paths', app, { paths });
  /** Returns status and body. */
  return async (target: string): Promise<readonly [status: number, body: string]> => {
    const text = Buffer.from(await exchange(portOf(server), get(target)), 'latin1').toString();
    return [Number(text.slice(9, 12)), text.slice(text.indexOf('\r\n\r\n') + 4)];
  };
}

/** Says what application and filters see. */
const seen: App = (req, res) => void res.end(`${req.url} ${JSON.stringify(requestPath(req))}`);

/** Spellings of other paths that proxies compare with `/admin`. */
const EVASIONS = [
  '//admin',
  '/%2fadmin',
  '/%2Fadmin',
  '/%61dmin',
  '/%41dmin',
  '/x//admin',
  '/x/%2e%2e/admin',
  '/x/../admin',
  '/./admin',
  '/admin/%2e',
  '/%5cadmin',
  '/x%5C..%5Cadmin',
  '/admin%2f',
  '/%7Euser',
  '/a%2Db',
  '/a%5Fb',
  '/v1%2e1',
  '/%39',
];
const PLAIN = [
  '/',
  '/admin',
  '/admin/',
  '/.well-known/x',
  '/a%20b',
  '/a%40b',
  '/%C3%A9',
  '/a:b',
  '/a[1]',
  '/100%25',
  '/?a=//b%2f',
];

test('AU-3 paths = refuse responds with 400 to every path that a proxy may read as another, and takes all others', async (t) => {
  const ask = await serving(t, seen, 'refuse');
  for (const path of EVASIONS) assert.equal((await ask(path))[0], 400, path);
  for (const path of PLAIN) assert.equal((await ask(path))[0], 200, path);
  assert.equal((await ask('http://x//admin'))[0], 400);
});

test('AU-3 what paths = refuse takes is the same for a reader that decodes, one that does not, and one that resolves dots and slashes', () => {
  const part = fc.constantFrom(
    '/',
    '//',
    '.',
    '..',
    '%2f',
    '%2F',
    '%5c',
    '\\',
    '%2e',
    'a',
    '%61',
    'A',
    '%7e',
    '~',
    '%20',
    '%40',
    '@',
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      const path = `/${parts.join('')}`;
      const target = canonicalTarget('GET', path, 'refuse');
      if ('status' in target) return;
      const readings = [path, decodeURI(path), new URL(`http://a${path}`).pathname, target.url];
      const shapes = readings.map((reading) => decodeURIComponent(reading));
      assert.deepEqual(new Set(shapes), new Set([shapes[0]]), path);
      assert.equal(path.split('/').length, decodeURIComponent(path).split('/').length, path);
    }),
    { numRuns: 5000 },
  );
});

test('S3-4 with paths = as_sent application and filters get each path as its client wrote it', async (t) => {
  const ask = await serving(t, seen, 'as_sent');
  for (const path of [...EVASIONS, ...PLAIN, '/b/k%00%1f', '/b/a//../c', '/b/.', '/b/%0a'])
    assert.deepEqual(
      await ask(path),
      [200, `${path} ${JSON.stringify(decodeURIComponent(path.split('?')[0]!))}`],
      path,
    );
  for (const path of ['/%zz', '/%ff', '/%', '/a#b', '/\u00e9']) assert.equal((await ask(path))[0], 400, path);
});

test('S3-4 with paths = as_sent routes match the decoded path, slash by slash, and variables are decoded', async (t) => {
  const router = new Router()
    .get('/{bucket}/{key:path}', ({ params }) => [params.bucket, params.key])
    .get('/{bucket}', ({ params }) => params.bucket)
    .get(String.raw`/lines/{key:[\s\S]+}`, ({ params }) => params.key);
  const inner: App = (req, res) => void res.end(JSON.stringify([req.url, requestPath(req)]));
  router.mount('/mounted', inner);
  const ask = await serving(t, await router.build(), 'as_sent');
  const json = async (path: string): Promise<unknown> => JSON.parse((await ask(path))[1]);
  assert.deepEqual(await json('/b/a//b/../c%2fd%00e/'), ['b', 'a//b/../c/d\0e/']);
  assert.deepEqual(await json('/b/.'), ['b', '.']);
  assert.equal((await ask('/b/a%0ab'))[0], 404, 'a type of a path has no line breaks');
  assert.equal(await json('/lines/a%0ab%0d'), 'a\nb\r');
  assert.deepEqual(await json('/mounted/a//%2e%2e'), ['/a//%2e%2e', '/mounted/a//..']);
  // An empty segment is one: no bucket has an empty name.
  assert.equal((await ask('//b/k'))[0], 404);
});

test('S3-4 with paths = as_sent a mount of a paste file is matched as it is written, and files stay in their folder', async (t) => {
  const folder = temporaryFolder('portico-paths-');
  writeFileSync(join(folder, 'a.txt'), 'text');
  const { made: files } = await buildApp(staticFiles, { local: { document_root: folder } });
  const factories: Readonly<Record<string, unknown>> = { urlmap, seen: () => seen, files: () => files };
  const paste = `[composite:main]
paste.composite_factory = test:urlmap
/s3 = s3
/files = files
[app:s3]
paste.app_factory = test:seen
[app:files]
paste.app_factory = test:files
`;
  const loader = new Loader('/api-paste.ini', {
    readFile: () => Buffer.from(paste),
    resolve: {
      expression: (text) => factories[text.slice('test:'.length)],
      distribution: () => assert.fail('none is asked for'),
    },
  });
  const app = await loader.loadApp('main');
  const ask = await serving(t, app, 'as_sent');
  assert.deepEqual(await ask('/s3//a/../b'), [200, '//a/../b "/s3//a/../b"']);
  for (const path of ['//s3/a', '/%733/a', '/x/../s3/a']) assert.equal((await ask(path))[0], 404, path);
  assert.equal((await ask('/files/a.txt'))[1], 'text');
  for (const path of ['/files/../files/a.txt', '/files/%2e%2e/x', '/files/a.txt%00', '/files/..%2f..%2fetc/passwd'])
    assert.equal((await ask(path))[0], 404, path);
});

test('S3-4 AU-3 [api:*] paths applies to one API, [wsgi] paths to the others', async (t) => {
  const folder = temporaryFolder('portico-paths-');
  writeFileSync(join(folder, 'api-paste.ini'), '[app:seen]\npaste.app_factory = portico/middleware:echo\n');
  const api = '\nport = 0\npipeline = seen\n';
  writeFileSync(join(folder, 'p.ini'), `[wsgi]\npaths = refuse\n[api:s3]${api}paths = as_sent\n[api:shop]${api}`);
  const config = await Config.load({ files: [join(folder, 'p.ini')] });
  for (const [name, status] of [
    ['s3', 200],
    ['shop', 400],
  ] as const) {
    const service = await startedService(t, name, config, { log: silentLogger() });
    assert.match(await exchange(service.port!, get('/a//b')), new RegExp(`^HTTP/1.1 ${status} `));
  }
});
