import assert from 'node:assert/strict';
import type { OutgoingHttpHeader, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type App, beforeHead, compose, type Filter } from 'portico/app';
import { lint, request } from 'portico/testing';
import { rawRequest } from '#internal/testing';
import { defaultHeaders } from './default-headers.js';

const defaults =
  (...list: string[]): Filter =>
  (app) =>
  (req, res) => {
    defaultHeaders(res, list);
    return app(req, res);
  };

const writing =
  (headers?: Record<string, OutgoingHttpHeader>, message?: string): App =>
  (_req, res) => {
    if (message === undefined) res.writeHead(201, headers).end('hello');
    else res.writeHead(201, message, headers).end('hello');
  };

test('MW-7 a listener of the headers adds headers that nothing further in gives, whatever the spelling', async () => {
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
