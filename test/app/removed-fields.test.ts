import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { compose, environ, type Filter, remoteOf } from 'portico/app';
import { noauth, proxyHeaders, stripIdentity } from 'portico/middleware';
import { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { exchangeOf, FIELD, readHeaders, removeFields } from '#internal/app';
import { Client, portOf } from '../server/raw-client.js';

setFlagsFromString('--allow-natives-syntax');
/** Reports whether V8 keeps an object as one with a shape, and not as a hash table. */
// oxlint-disable-next-line typescript/no-implied-eval -- the compiler does not know this syntax of V8
const hasShape = new Function('object', 'return %HasFastProperties(object)') as (object: object) => boolean;

/** The fields of a request as an application sees them. */
type Seen = Pick<http.IncomingMessage, 'headers' | 'rawHeaders'> & {
  readonly headersDistinct: NodeJS.Dict<string[]> | undefined;
};

const NAMES = ['X-Forwarded-For', 'X-FORWARDED-proto', 'x-real-ip', 'Forwarded', 'X-User-Id', 'x-roles', 'x-a', 'X-B']
  .concat(['Cookie', 'Set-Cookie', 'Accept', 'User-Agent', 'Content-Type', 'ETag', 'x-forwarded', 'constructor', '12'])
  .concat(['toString', 'X-Request-Id', 'Via', 'If-None-Match']);
const VALUES = ['192.0.2.7', '', 'a, b', 'req-1', 'x=1', '"t"'];

/** Returns the distinct headers; undefined where Node fails to make them of a header called `constructor`, as before 22.22 and in 24.0. */
function distinctOf(req: http.IncomingMessage): NodeJS.Dict<string[]> | undefined {
  try {
    return req.headersDistinct;
  } catch {
    return undefined;
  }
}

/** Numbers below `n`, always the same ones. */
function numbers(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % n;
  };
}

const isForwarding = (name: string): boolean => /^(?:forwarded|x-real-ip|x-forwarded-.*)$/.test(name);
const isIdentity = (name: string): boolean => name === 'x-user-id' || name === 'x-roles';
/** Fields that are removed from the requests, in one step each, by the filters or by hand. */
const REMOVALS: readonly ((name: string) => boolean)[][] = [
  [isForwarding],
  [isForwarding, isIdentity],
  [(name) => name === 'host'],
  [(name) => name === 'cookie', isForwarding, (name) => name === 'x-a'],
  [() => true],
  [() => false],
];

test('PF-1 headers without the removed ones are as Node makes them of the others, whatever came and in which order', async () => {
  let removals: (typeof REMOVALS)[number] = [];
  /** Whether the headers are read before, between or after the removals, and how. */
  let reads: readonly number[] = [];
  let ours: Seen | undefined;
  let nodes: Seen | undefined;
  const server = new Server('fields', (req, res) => {
    for (const [at, isMeant] of removals.entries()) {
      if (reads[at] === 0) void req.headers;
      if (reads[at] === 1) readHeaders(exchangeOf(req));
      removeFields(exchangeOf(req), isMeant);
    }
    // As code that passes an object on which inherits from the request.
    if (reads[4] === 0) void (Object.create(req) as http.IncomingMessage).headers;
    // As Express does.
    if (reads[3] === 0) Object.setPrototypeOf(req, http.IncomingMessage.prototype);
    ours = { headers: req.headers, headersDistinct: distinctOf(req), rawHeaders: req.rawHeaders };
    res.end();
  });
  // The same fields without the removed ones, sent to Node.
  const plain = http.createServer((req, res) => {
    nodes = { headers: req.headers, headersDistinct: distinctOf(req), rawHeaders: req.rawHeaders };
    res.end();
  });
  plain.listen(0, '127.0.0.1');
  await Promise.all([server.start(), once(plain, 'listening')]);
  const client = new Client(portOf(server));
  const other = new Client((plain.address() as AddressInfo).port);
  after(async () => {
    client.close();
    other.close();
    plain.close();
    await server.stop();
  });
  const number = numbers(20);
  const one = <T>(list: readonly T[]): T => list[number(list.length)]!;
  for (let turn = 0; turn < 400; turn++) {
    removals = one(REMOVALS);
    reads = Array.from({ length: 5 }, () => number(4));
    const lines = Array.from({ length: number(9) }, () => [one(NAMES), one(VALUES)] as const);
    lines.splice(number(lines.length + 1), 0, ['Host', 'example.org']);
    const text = (list: typeof lines): string =>
      `GET / HTTP/1.1\r\n${list.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
    const kept = lines.filter(([name]) => !removals.some((isMeant) => isMeant(name.toLowerCase())));
    // Node refuses a request without Host before an application sees it.
    const hasHost = kept.some(([name]) => name === 'Host');
    client.write(text(lines));
    await client.response();
    other.write(text(hasHost ? kept : [...kept, ['Host', 'x']]));
    await other.response();
    const { headers, headersDistinct, rawHeaders } = nodes!;
    if (!hasHost) {
      delete headers.host;
      delete headersDistinct?.host;
      rawHeaders.splice(-2);
    }
    const place = text(lines);
    assert.deepEqual(Object.entries(ours!.headers), Object.entries(headers), place);
    assert.equal(Object.getPrototypeOf(ours!.headers), Object.prototype);
    if (headersDistinct !== undefined) assert.deepEqual({ ...ours!.headersDistinct }, { ...headersDistinct }, place);
    assert.deepEqual(ours!.rawHeaders, rawHeaders, place);
    assert.ok(hasShape(ours!.headers), place);
  }
});

test('PF-1 filters that remove headers leave the kinds of the others known, and values of removed ones unknown', async () => {
  const { made: untrusting } = await buildFilter(proxyHeaders);
  const { made: open } = await buildFilter(noauth, {
    config: '[api]\nauth_strategy = noauth\n',
    local: { i_know_this_is_open: 'true' },
  });
  const stripping: Filter = (app) => (req, res) => {
    stripIdentity(req);
    return app(req, res);
  };
  const told = compose([untrusting, stripping, open], (req, res) => {
    const exchange = exchangeOf(req);
    const { address, host } = remoteOf(req);
    const known = [exchange.fieldKinds & ~FIELD.X_FORWARDED & ~FIELD.IDENTITY, environ(req).identity?.userId];
    removeFields(exchange, (name) => name === 'host');
    res.end(JSON.stringify([...known, address, host, exchange.fieldKinds, remoteOf(req).host ?? null]));
  });
  const server = new Server('fields', told);
  await server.start();
  const headers = { 'X-Forwarded-For': '192.0.2.7', 'X-User-Id': 'root', 'X-Auth-Token': 'ada', Host: 'example.org' };
  const sent = http.get({ port: portOf(server), host: '127.0.0.1', agent: false, headers });
  const [res] = (await once(sent, 'response')) as [http.IncomingMessage];
  const kinds = FIELD.HOST | FIELD.TOKEN;
  assert.equal((await res.toArray()).join(''), JSON.stringify([kinds, 'ada', '127.0.0.1', 'example.org', -1, null]));
  await server.stop();
});
