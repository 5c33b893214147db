import assert from 'node:assert/strict';
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type App, beforeHead } from 'portico/app';
import { request } from 'portico/testing';
import { foldHeaders, replaceRawHeaders, usableHeaders } from '#internal/app';
import { rawRequest } from '#internal/testing';

test('MW-7 a name repeated in an array of headers is sent as often, whatever was set before', async () => {
  const app: App = (_req, res) => {
    beforeHead(res, () => undefined);
    res.setHeader('x-a', '!');
    res.writeHead(200, ['x-c', '1', 'x-c', '2', 'x-a', '3']);
    res.end();
  };
  const answer = await rawRequest(app, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.deepEqual(answer.match(/^x-\w: \d/gm)?.sort(), ['x-a: 3', 'x-c: 1', 'x-c: 2']);
});

test('what Node refuses stays refused', async () => {
  const heads: ((res: ServerResponse) => void)[] = [
    (res) => res.writeHead(99),
    (res) => res.writeHead(1000),
    (res) => res.writeHead(200, ['a']),
    (res) => res.writeHead(200, { 'bad name': 'x' }),
    (res) => res.writeHead(200, { x: 'a\r\nb: c' }),
  ];
  for (const write of heads) {
    let error: unknown;
    const app: App = (_req, res) => {
      beforeHead(res, () => undefined);
      try {
        write(res);
      } catch (thrown) {
        error = thrown;
      }
      if (!res.headersSent) res.end();
    };
    await request(app, 'GET', '/');
    assert.match(String((error as { code?: string } | undefined)?.code), /^ERR_/, String(write));
  }
});

test('of headers that Node refuses none is left, and what was set before is there again', async () => {
  const heads: unknown[] = [
    { 'x-set': 'anew', 'x-new': '1', 'bad name': '1' },
    ['x-set', 'anew', 'x-new', '1', 'bad name', '1'],
    [
      ['x-set', 'anew'],
      ['x-new', '1'],
      ['x-bad', 'a\nb'],
    ],
  ];
  for (const head of heads) {
    const app: App = (_req, res) => {
      res.setHeader('X-Set', ['before', 'twice']);
      assert.throws(() => foldHeaders(res, head as OutgoingHttpHeaders), { code: /^ERR_INVALID_/ });
      res.end(JSON.stringify(res.getHeaders()));
    };
    assert.deepEqual((await request(app, 'GET', '/')).json(), { 'x-set': ['before', 'twice'] });
  }
});

test('headers that HTTP does not allow are left out, and no header for it is an error', () => {
  const headers = {
    Allow: 'GET, HEAD',
    'x-split': 'a\r\nb: c',
    'bad name': '1',
    'set-cookie': ['a=1', 'b=2'],
    none: undefined,
  };
  assert.deepEqual(usableHeaders(headers), [
    ['Allow', 'GET, HEAD'],
    ['set-cookie', ['a=1', 'b=2']],
  ]);
  assert.deepEqual(usableHeaders({ 'x-list': ['fine', 'a\nb'] }), []);
});

test('other raw headers are those of headersDistinct too, and leave the headers alone', async () => {
  const app: App = (req, res) => {
    replaceRawHeaders(req, ['X-A', '1', 'x-a', '2', 'toString', '3']);
    res.end(JSON.stringify([req.headersDistinct, req.rawHeaders.length, req.headers['x-came']]));
  };
  const answer = await request(app, 'GET', '/', { headers: { 'x-came': 'yes' } });
  assert.deepEqual(answer.json(), [{ 'x-a': ['1', '2'], tostring: ['3'] }, 6, 'yes']);
});
