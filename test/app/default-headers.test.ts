import assert from 'node:assert/strict';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { test } from 'node:test';
import fc from 'fast-check';
import { type App, afterResponse, beforeHead, compose, defaultHeaders, type Filter } from 'portico/app';
import { lint, rawRequest, request } from 'portico/testing';

const defaults =
  (...list: string[]): Filter =>
  (app) =>
  (req, res) => {
    defaultHeaders(res, list);
    return app(req, res);
  };

/** The same by a listener, which is what it is in short for. */
const listening =
  (...list: string[]): Filter =>
  (app) =>
  (req, res) => {
    beforeHead(res, () => {
      for (let at = 0; at < list.length; at += 2) {
        if (!res.hasHeader(list[at]!)) res.setHeader(list[at]!, list[at + 1]!);
      }
    });
    return app(req, res);
  };

const writing =
  (headers?: Record<string, OutgoingHttpHeader>, message?: string): App =>
  (_req, res) => {
    if (message === undefined) res.writeHead(201, headers).end('hello');
    else res.writeHead(201, message, headers).end('hello');
  };

test('MW-7 default headers are sent where nobody further in has said them, whatever the spelling', async () => {
  const filters = [defaults('x-a', 'outer', 'x-c', 'outer'), defaults('x-b', 'inner', 'x-a', 'inner')];
  const heads: [App, object][] = [
    [writing({ 'X-B': 'app' }), { 'x-a': 'inner', 'x-b': 'app', 'x-c': 'outer' }],
    [writing(undefined, 'Made'), { 'x-a': 'inner', 'x-b': 'inner', 'x-c': 'outer' }],
    [(_req, res) => void res.setHeader('X-C', 'app').end('hello'), { 'x-a': 'inner', 'x-b': 'inner', 'x-c': 'app' }],
    [
      (_req, res) => void res.writeHead(201, ['X-A', 'app', 'X-A', 'twice']).end('hello'),
      { 'x-a': 'app, twice', 'x-b': 'inner', 'x-c': 'outer' },
    ],
  ];
  for (const [app, expected] of heads) {
    for (const checked of [compose(filters, app), lint(compose(filters, app))]) {
      const { headers, text } = await request(checked, 'GET', '/');
      assert.deepEqual({ 'x-a': headers['x-a'], 'x-b': headers['x-b'], 'x-c': headers['x-c'] }, expected);
      assert.equal(text(), 'hello');
    }
  }
});

test('of two spellings of one name the later is sent, as where they are set one by one', async () => {
  const app: App = (_req, res) => void res.writeHead(200, { 'X-A': '1', 'x-a': '2', 'content-length': 5 }).end('hello');
  const answer = await rawRequest(defaults('x-id', '7')(app), 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual(String(answer).match(/^x-.*$/gim), ['x-a: 2', 'x-id: 7']);
});

test('a response tells its headers once they are sent, however they were given', async () => {
  const told: unknown[] = [];
  const app: App = (_req, res) => {
    afterResponse(res, () => {
      told.push(res.getHeader('Content-Length'), res.getHeader('x-id'), res.getHeader('x-none'), res.hasHeader('X-ID'));
      told.push(res.hasHeader('x-none'), res.getHeaderNames(), { ...res.getHeaders() });
    });
    res.writeHead(200, { 'Content-Length': 5, 'x-many': ['1', '2'] }).end('hello');
  };
  await request(defaults('x-id', '7')(app), 'GET', '/');
  const all = { 'content-length': 5, 'x-many': ['1', '2'], 'x-id': '7' };
  assert.deepEqual(told, [5, '7', undefined, true, false, Object.keys(all), all]);
});

test('the answer to a head that Node refuses has the default headers too', async () => {
  for (const headers of [{ 'x-bad': 'a\nb' }, { 'bad name': 'a' }, { 'x-none': undefined as unknown as string }]) {
    const response = await request(lint(defaults('x-id', '7')(writing(headers))), 'GET', '/');
    assert.equal(response.status, 500);
    assert.equal(response.headers['x-id'], '7');
  }
});

test('a listener, and whoever wraps writeHead, sees the default headers of filters further in', async () => {
  const seen: unknown[] = [];
  const looking: Filter = (app) => (req, res) => {
    beforeHead(res, () => seen.push(res.getHeader('x-id')));
    return app(req, res);
  };
  const foreign: Filter = (app) => (req, res) => {
    const writeHead = res.writeHead.bind(res) as (...args: unknown[]) => ServerResponse;
    res.writeHead = ((...args: unknown[]) => {
      seen.push(res.getHeader('x-id'));
      return writeHead(...args);
    }) as typeof res.writeHead;
    return app(req, res);
  };
  for (const outer of [looking, foreign]) {
    await request(compose([outer, defaults('x-id', '7')], writing({ 'content-length': 5 })), 'GET', '/');
  }
  assert.deepEqual(seen, ['7', '7']);
});

const name = fc.constantFrom('x-a', 'x-b', 'x-c', 'x-d');
const value = fc.stringMatching(/^[a-z]{1,4}$/);
const spelling = fc.constantFrom('x-a', 'X-A', 'x-b', 'X-b', 'x-e', 'X-E', 'Content-Length-Not');
const given = fc.uniqueArray(fc.tuple(spelling, value), { maxLength: 5, selector: ([key]) => key });
const list = fc.uniqueArray(fc.tuple(name, value), { maxLength: 3, selector: ([key]) => key });

test('MW-7 default headers are what a listener that sets them would make of any head', async () => {
  const heads = fc.record({ lists: fc.array(list, { maxLength: 3 }), set: list, given, empty: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(heads, async ({ lists, set, given, empty }) => {
      const app: App = (_req, res) => {
        res.sendDate = false;
        for (const [key, text] of set) res.setHeader(key, text);
        if (given.length > 0) res.writeHead(200, Object.fromEntries(given));
        res.end(empty ? undefined : 'hello');
      };
      const bytes = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
      const [one, other] = await Promise.all(
        [defaults, listening].map((kind) => {
          const filters = lists.map((pairs) => kind(...pairs.flat()));
          return rawRequest(compose(filters, app), bytes);
        }),
      );
      assert.equal(one, other);
    }),
    {
      numRuns: 60,
      examples: [
        [
          {
            lists: [[['x-c', 'd']]],
            set: [],
            given: [
              ['X-A', '1'],
              ['x-a', '2'],
            ],
            empty: false,
          },
        ],
      ],
    },
  );
});
