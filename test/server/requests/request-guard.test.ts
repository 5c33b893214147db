import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type App, compose, environ } from 'portico/app';
import { Server } from 'portico/server';
import { exchangeOf, FIELD } from '../../../dist/app/internal.js';
import { CANONICAL, canonicalTarget } from '../../../dist/server/requests/request-guard.js';
import { Client, portOf } from '../raw-client.js';

const echo: App = (req, res) => void res.end(JSON.stringify([req.url, environ(req).originalUrl]));
const server = new Server('paths', echo);
before(() => server.start());
after(() => server.stop());

async function seen(target: string, ...fields: string[]): Promise<[url: string, original: string]> {
  const client = new Client(portOf(server));
  client.write(`${[`GET ${target} HTTP/1.1`, 'host: x', 'connection: close', ...fields].join('\r\n')}\r\n\r\n`);
  const { status, body } = await client.response();
  assert.equal(status, 200, target);
  client.close();
  return JSON.parse(body);
}

const canonical: readonly (readonly [target: string, url: string])[] = [
  ['/', '/'],
  ['/servers/17?limit=1&marker=a%2Fb', '/servers/17?limit=1&marker=a%2Fb'],
  ['/a/', '/a/'],
  ['/%61dmin', '/admin'],
  ['/admi%6E/%41', '/admin/A'],
  ['//admin', '/admin'],
  ['/a///b//', '/a/b/'],
  ['/a%2Fb%2fc', '/a/b/c'],
  ['/%2Fadmin', '/admin'],
  ['/%2561dmin', '/%2561dmin'],
  ['/a;b=1,c', '/a;b=1,c'],
  ['/a%3Bb%3d1', '/a;b=1'],
  ['/%c3%a9', '/%C3%A9'],
  ['/%7Euser/%20', '/~user/%20'],
  ['/a+b%2B', '/a+b+'],
  ['/a%5cb', '/a%5Cb'],
  ['/a%3Fb%23c', '/a%3Fb%23c'],
  ['/a|b{c}"<>^`', '/a%7Cb%7Bc%7D%22%3C%3E%5E%60'],
  ['/.well-known/x', '/.well-known/x'],
  ['/...', '/...'],
  ['/a?x=%zz&y=../..', '/a?x=%zz&y=../..'],
  ['/a?', '/a?'],
  ['/a??b', '/a??b'],
];

for (const [target, url] of canonical) {
  test(`RL-57 ${target} is ${url} to filters and apps`, async () => {
    assert.deepEqual(await seen(target), [url, target]);
  });
}

test('RL-50 of the absolute form the path counts', async () => {
  assert.deepEqual(await seen('http://x/a?b'), ['/a?b', 'http://x/a?b']);
  assert.deepEqual(await seen('HTTP://X:80/a'), ['/a', 'HTTP://X:80/a']);
  assert.deepEqual(await seen('http://x'), ['/', 'http://x']);
  assert.deepEqual(await seen('http://x?q'), ['/?q', 'http://x?q']);
});

test('RL-50 HTTP/1.0 may name the host in its target alone', async () => {
  const client = new Client(portOf(server));
  client.write('GET http://x:8774/a HTTP/1.0\r\n\r\n');
  assert.equal((await client.response()).body, '["/a","http://x:8774/a"]');
  const bad = new Client(portOf(server));
  bad.write('GET http://u@x/a HTTP/1.0\r\n\r\n');
  assert.equal((await bad.response()).status, 400);
});

test('RL-50 OPTIONS * gets a response for the server as a whole', async () => {
  const client = new Client(portOf(server));
  client.write('OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await client.until(/^HTTP\/1\.1 204 No Content\r\n/);
  await client.until(/200 OK[\s\S]*"\/"/);
  client.close();
});

test('RL-57 a filter that guards a prefix cannot be walked around by spelling', async () => {
  const guarded = new Server(
    'guard',
    compose(
      [
        (app) => (req, res) => {
          if (/^\/admin(?:\/|$|\?)/.test(req.url ?? '')) res.writeHead(403).end();
          else return app(req, res);
        },
      ],
      (req, res) => {
        // Reads the path as routers do: decoded, and more leniently than any router of Portico.
        const path = decodeURIComponent((req.url ?? '').split('?')[0] ?? '').replaceAll(/\/+/g, '/');
        res.end(
          new URL(path.startsWith('/') ? path : '/', 'http://x').pathname.startsWith('/admin') ? 'inside' : 'outside',
        );
      },
    ),
  );
  await guarded.start();
  const spellings = [
    '/admin',
    '//admin',
    '/%61dmin',
    '/./admin',
    '/x/../admin',
    '/x/%2e%2e/admin',
    '/%2e/admin',
    '/%2Fadmin',
    '/x/..%2fadmin',
    '\\admin',
    '/\\admin',
    '/%5cadmin',
    '/admin%2f',
    '/admin/',
    '/admin%2Fx',
    '/%2561dmin',
    '/admin%00',
    '/%c0%afadmin',
    'http://x/admin',
    'http://x//admin',
    '/;/admin',
    '/admin?x',
    '///%61%64%6d%69%6e///',
  ];
  for (const spelling of spellings) {
    const client = new Client(portOf(guarded));
    client.write(`GET ${spelling} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
    await client.closed;
    assert.doesNotMatch(client.received, /inside/, spelling);
  }
  await guarded.stop();
});

const piece = fc.constantFrom(
  '/',
  '//',
  '.',
  '..',
  '%2e',
  '%2F',
  '%5c',
  '%25',
  '%00',
  '%c3%a9',
  '%ff',
  '%',
  'a',
  'B',
  '~',
  ';',
  '=',
  '|',
  '?',
  '+',
  '%20',
  '%41',
);
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

test('RL-57 a canonical target is its own canonical form, and every spelling of it leads there', () => {
  fc.assert(
    fc.property(target, (spelling) => {
      const found = canonicalTarget('GET', spelling);
      if ('status' in found) return;
      assert.deepEqual(canonicalTarget('GET', found.url), found);
      const [path = '', ...query] = found.url.split('?');
      const escaped = [...Buffer.from(decodeURIComponent(path))]
        .map((byte) => `%${byte.toString(16).padStart(2, '0')}`)
        .join('');
      const other = ['/', escaped.slice(3), ...query.map((part) => `?${part}`)].join('');
      assert.deepEqual(canonicalTarget('GET', other), found);
      assert.ok(!path.includes('//'));
      assert.ok(
        !decodeURIComponent(path)
          .split(/[/\\]/)
          .some((segment) => segment === '.' || segment === '..'),
      );
    }),
    { numRuns: 3000 },
  );
});

test('RL-57 what passes the quick way is canonical', () => {
  fc.assert(
    fc.property(target, (spelling) => {
      if (CANONICAL.test(spelling)) assert.deepEqual(canonicalTarget('GET', spelling), { url: spelling });
    }),
    { numRuns: 3000 },
  );
});

test('the kinds of fields are those of their names, in whatever order requests have them', async () => {
  const told: App = (req, res) => void res.end(String(exchangeOf(req).fieldKinds));
  const kinds = new Server('kinds', told);
  await kinds.start();
  const client = new Client(portOf(kinds));
  const fields = ['host: x', 'x-auth-token: a', 'via: b', 'accept: c', 'x-forwarded-for: d', 'a-b: e'];
  const orders = [fields, fields.toReversed(), ['a-b: e', ...fields.slice(0, 3)], fields];
  const seen: string[] = [];
  for (const order of orders) {
    client.write(`${['GET / HTTP/1.1', ...order].join('\r\n')}\r\n\r\n`);
    seen.push((await client.response()).body);
  }
  client.close();
  await kinds.stop();
  const few = FIELD.HOST | FIELD.TOKEN | FIELD.VIA;
  const all = few | FIELD.ACCEPT | FIELD.X_FORWARDED;
  assert.deepEqual(seen.map(Number), [all, all, few, all]);
});
