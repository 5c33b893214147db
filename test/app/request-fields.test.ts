import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import express from 'express';
import { type App, compose, environ, type Filter, fromConnect, remoteOf } from 'portico/app';
import { proxyHeaders, stripIdentity } from 'portico/middleware';
import { Server } from 'portico/server';
import { buildFilter } from 'portico/testing';
import { FIELD, kindOfField } from '../../dist/app/request-fields.js';
import { IDENTITY_HEADERS } from '../../dist/middleware/auth/identity.js';
import { portOf } from '../server/raw-client.js';
import { startedServer } from '../server/started-server.js';

const { made: trusting } = await buildFilter(proxyHeaders, { local: { trusted_proxies: 'loopback' } });
const stripping: Filter = (app) => (req, res) => {
  stripIdentity(req);
  return app(req, res);
};
const told: App = (req, res) =>
  void res.end(
    JSON.stringify([remoteOf(req).address, req.headers['x-user-id'] ?? null, req.headers['x-roles'] ?? null]),
  );

async function answer(filters: readonly Filter[], headers: Record<string, string> = {}): Promise<unknown> {
  const server = new Server('fields', compose([...filters, trusting, stripping], told));
  await server.start();
  after(() => server.stop());
  const sent = http.get({ port: portOf(server), host: '127.0.0.1', headers, agent: false });
  const [res] = (await once(sent, 'response')) as [http.IncomingMessage];
  return JSON.parse((await res.toArray()).join(''));
}

const FORWARDED = '192.0.2.7';

test('MW-18 a filter that sets a forwarding header is heard by proxy_headers, whatever the client sent', async () => {
  const sets: Filter = (app) => (req, res) => {
    req.headers['x-forwarded-for'] = FORWARDED;
    return app(req, res);
  };
  const replaces: Filter = (app) => (req, res) => {
    const headers = { host: 'x', 'x-forwarded-for': FORWARDED, 'x-user-id': 'root' };
    Object.assign(req, { headers });
    return app(req, res);
  };
  assert.deepEqual(await answer([]), ['127.0.0.1', null, null]);
  assert.deepEqual(await answer([], { 'X-Forwarded-For': FORWARDED, 'X-User-Id': 'root' }), [FORWARDED, null, null]);
  assert.deepEqual(await answer([sets]), [FORWARDED, null, null]);
  assert.deepEqual(await answer([replaces]), [FORWARDED, null, null]);
});

test('MW-44 an identity that a middleware of Connect or Express has set is removed', async () => {
  const claims = (req: http.IncomingMessage, _res: unknown, next: () => void): void => {
    req.headers['x-user-id'] = 'root';
    req.headers['x-roles'] = 'admin';
    req.headers['x-forwarded-for'] = FORWARDED;
    next();
  };
  assert.deepEqual(await answer([fromConnect(claims as never)]), [FORWARDED, null, null]);
  assert.deepEqual(await answer([fromConnect(claims as never, { express: express as never })]), [
    FORWARDED,
    null,
    null,
  ]);
  const later = (_req: unknown, _res: unknown, next: () => void): void => void setImmediate(next);
  assert.deepEqual(await answer([fromConnect(later as never), fromConnect(claims as never)]), [FORWARDED, null, null]);
});

test('MW-44 each identity header is of a kind that is removed, in every spelling', () => {
  for (const name of IDENTITY_HEADERS) {
    assert.equal(kindOfField(name), FIELD.IDENTITY, name);
    assert.equal(kindOfField(name.toUpperCase()), FIELD.IDENTITY, name);
  }
});

/** Counts the fields that Node adds to the headers of requests. */
function countsFields(t: TestContext): () => number {
  const prototype = http.IncomingMessage.prototype as unknown as { _addHeaderLine(...args: unknown[]): void };
  const { _addHeaderLine: add } = prototype;
  let count = 0;
  prototype._addHeaderLine = function (...args) {
    if ((this as unknown as http.IncomingMessage).url !== '') count++;
    add.apply(this, args);
  };
  t.after(() => {
    prototype._addHeaderLine = add;
  });
  return () => count;
}

const seen = ({ headers }: http.IncomingMessage): string => String(headers['x-user-id']);

test('Node makes no headers of a request whose application reads none, and all where one does', async (t) => {
  const count = countsFields(t);
  const server = await startedServer(t, 'fields', (req, res) => void res.end(req.url === '/read' ? seen(req) : 'none'));
  const ask = async (path: string, headers: http.OutgoingHttpHeaders = {}): Promise<string> => {
    const options = { port: portOf(server), host: '127.0.0.1', path, agent: false } as const;
    const sent = http.get({ ...options, headers: { ...headers, 'X-User-Id': 'ada' } });
    const [res] = (await once(sent, 'response')) as [http.IncomingMessage];
    return (await res.toArray()).join('');
  };
  assert.equal(await ask('/'), 'none');
  assert.equal(count(), 0);
  assert.equal(await ask('/read'), 'ada');
  assert.ok(count() >= 3);
  assert.equal(await ask('/read', { expect: '100-continue' }), 'ada');
});

test('code around the server, which gets a request before the server, reads all its headers', async (t) => {
  const early: unknown[] = [];
  const { emit } = http.Server.prototype;
  http.Server.prototype.emit = function (this: http.Server, ...args: unknown[]) {
    if (args[0] === 'request') early.push(seen(args[1] as http.IncomingMessage));
    return emit.apply(this, args as never);
  } as typeof emit;
  t.after(() => {
    http.Server.prototype.emit = emit;
  });
  const server = await startedServer(t, 'fields', (_req, res) => void res.end());
  const ask = async (version: string): Promise<void> => {
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write(`GET / HTTP/${version}\r\nHost: x\r\nX-User-Id: ada\r\nConnection: close\r\n\r\n`);
    await socket.toArray();
  };
  await ask('1.1');
  await ask('1.0');
  assert.deepEqual(early, ['ada', 'ada']);
  const started = (message: unknown): void => void early.push(seen((message as { request: never }).request));
  subscribe('http.server.request.start', started);
  t.after(() => unsubscribe('http.server.request.start', started));
  await ask('1.1');
  assert.deepEqual(early, ['ada', 'ada', 'ada', 'ada']);
});

test('an application that makes a second response of the same class has all headers, and the same environ', async (t) => {
  const server = await startedServer(t, 'fields', (req, res) => {
    environ(req).requestId = 'req-1';
    void new (res.constructor as typeof http.ServerResponse)(req);
    res.end(`${seen(req)} ${environ(req).requestId}`);
  });
  const sent = http.get({ port: portOf(server), host: '127.0.0.1', agent: false, headers: { 'X-User-Id': 'ada' } });
  const [res] = (await once(sent, 'response')) as [http.IncomingMessage];
  assert.equal((await res.toArray()).join(''), 'ada req-1');
});
