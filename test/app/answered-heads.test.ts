/** Tests response headers with filters: clients read what a plain `node:http` server sends, and the response reports it afterwards. */
import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import express from 'express';
import { type App, beforeHead } from 'portico/app';
import { rawRequest } from '#internal/testing';
import { defaultHeaders } from './default-headers.js';

/** Returns the bytes of two responses on one connection. */
const answersOf = (app: App): Promise<string> =>
  rawRequest(app, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
const first = (answer: string): string => answer.slice(0, answer.indexOf('HTTP/1.1', 1));

test('an Express app responds with the headers of the filters around it, and reports them', async () => {
  const told: unknown[] = [];
  const app = express();
  app.get('/', (_req, res) => {
    defaultHeaders(res, ['x-inner', '2']);
    beforeHead(res, () => res.setHeader('x-inmost', '3'));
    res.on('close', () => told.push(res.getHeader('X-Outer'), res.getHeader('x-inner')));
    res.json({});
  });
  const usual = express();
  usual.get('/', (_req, res) => {
    res.on('close', () => told.push(res.getHeader('X-Outer'), res.getHeader('content-type')));
    res.writeHead(200, { 'content-type': 'a/b', 'content-length': 4 }).end('tail');
  });
  const behind =
    (inner: unknown): App =>
    (req, res) => {
      defaultHeaders(res, ['x-outer', '1']);
      return (inner as App)(req, res);
    };
  assert.deepEqual(first(await answersOf(behind(app))).match(/^x-(?:outer|in\w+): .$/gim), [
    'x-inmost: 3',
    'x-inner: 2',
    'x-outer: 1',
  ]);
  assert.match(first(await answersOf(behind(usual))), /^x-outer: 1\r$/m);
  assert.deepEqual(told, ['1', '2', '1', '2', '1', 'a/b', '1', 'a/b']);
});

test('a response after headers that Node refused has the default headers and those set before, and none of the refused ones', async () => {
  const refused: Record<string, string | number> = {
    'cache-control': 'public',
    'x-set': 'anew',
    'content-length': 3,
    'bad name': '1',
  };
  for (const given of [refused, Object.entries(refused).flat()]) {
    const answer = await answersOf((_req, res) => {
      defaultHeaders(res, ['x-id', '7']);
      res.setHeader('x-set', 'before');
      try {
        res.writeHead(200, given);
      } catch {
        res.statusCode = 500;
        res.end('failure');
      }
    });
    assert.match(first(answer), /^HTTP\/1.1 500 /);
    assert.match(first(answer), /^x-id: 7\r$/m);
    assert.match(first(answer), /^x-set: before\r$/m);
    assert.doesNotMatch(answer, /cache-control|content-length: 3/i);
    assert.match(first(answer), /failure/);
  }
});

test('headers are reported as they were sent, whatever becomes of the object they were given in', async () => {
  const told: unknown[] = [];
  const shared: Record<string, string | number> = { 'Content-Type': 'a/b', 'content-length': 4 };
  await answersOf((_req, res) => {
    defaultHeaders(res, ['X-Id', '7', 'content-type', 'c/d']);
    shared['content-length'] = 4;
    res.writeHead(200, shared);
    shared['content-length'] = 100;
    told.push(
      res.getHeader('CONTENT-LENGTH'),
      res.getHeader('content-type'),
      res.getHeader('x-id'),
      res.hasHeader('X-ID'),
    );
    told.push(res.hasHeader('x-none'), res.getHeaderNames(), { ...res.getHeaders() });
    res.end('tail');
  });
  const all = { 'content-type': 'a/b', 'content-length': 4, 'x-id': '7' };
  const each = [4, 'a/b', '7', true, false, Object.keys(all), all];
  assert.deepEqual(told, [...each, ...each]);
});

test('a response behind a proxy, and one made from it, tell the headers as it does itself', async () => {
  const told: unknown[] = [];
  await answersOf((_req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    const others = [new Proxy(res, {}), Object.create(res) as ServerResponse];
    const tell = () =>
      others.map((other) => [
        other.getHeader('x-id'),
        other.hasHeader('x-id'),
        other.getHeaderNames(),
        { ...other.getHeaders() },
      ]);
    told.push(tell());
    res.writeHead(200, { 'content-length': 4 }).end('tail');
    told.push(tell());
  });
  const before = [undefined, false, [], {}];
  const after = ['7', true, ['content-length', 'x-id'], { 'content-length': 4, 'x-id': '7' }];
  assert.deepEqual(told, [
    [before, before],
    [after, after],
    [before, before],
    [after, after],
  ]);
});

test('headers that somebody takes back bring nothing of their filters into other responses', async () => {
  const answer = await answersOf((req, res) => {
    defaultHeaders(res, ['x-id', '7']);
    if (req.headers.connection === 'close') {
      res.writeHead(200, { 'content-length': 4 }).end('tail');
      return;
    }
    res.writeHead(200, { 'content-length': 4 });
    (res as unknown as { _header: null })._header = null;
    defaultHeaders(res, ['x-secret', '1']);
    res.end('tail');
  });
  assert.doesNotMatch(answer.slice(first(answer).length), /x-secret/);
});
