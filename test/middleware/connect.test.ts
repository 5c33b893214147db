import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { connect, fastifyPlugin } from 'portico/middleware';
import { Router } from 'portico/routing';
import { buildApp, buildFilter, lint, request } from 'portico/testing';
import type { ConfigurationRefused } from '#internal/config';
import { filesUntilEnd } from '../fixtures/until-end.js';

const FILES = {
  'package.json': '{"type": "module"}',
  'middleware.js': `
    export const header = ({ name }) => (req, res, next) => { res.setHeader(name, 'set'); next(); };
    export const plain = (req, res, next) => next(new Error('no'));
    export const nothing = 7;
  `,
  'plugin.js': 'export const plugin = async (fastify, options) => { fastify.get("/", async () => options); };',
};
const app: App = (_req, res) => {
  res.end('app');
};

test('MW-2 a Connect middleware is named in a paste file, with its options', async (t) => {
  const files = await filesUntilEnd(t, FILES);
  const local = { middleware: './middleware.js:header', options: '{"name": "x-made"}' };
  const { made } = await buildFilter(connect, { local, folder: files.folder });
  const response = await request(lint(made(app)), 'GET', '/');
  assert.equal(response.headers['x-made'], 'set');
  const plain = await buildFilter(connect, {
    local: { middleware: './middleware.js:plain', call: 'false' },
    folder: files.folder,
  });
  assert.equal((await request(lint(plain.made(app)), 'GET', '/')).status, 500);
});

test('MW-2 a Fastify plugin is named in a paste file, and closed with the app', async (t) => {
  const files = await filesUntilEnd(t, FILES);
  const local = { plugin: './plugin.js:plugin', options: '{"a": 1}' };
  const { made, close } = await buildApp(fastifyPlugin, { local, folder: files.folder });
  t.after(close);
  assert.deepEqual((await request(lint(made), 'GET', '/')).json(), { a: 1 });
  assert.equal((await request(lint(made), 'GET', '/nowhere')).status, 404);
});

test('MW-5 what is not a function, and options that are no JSON object, refuse to load', async (t) => {
  const files = await filesUntilEnd(t, FILES);
  const local: Record<string, string>[] = [
    { middleware: './middleware.js:nothing' },
    { middleware: './middleware.js:header', options: '{' },
    { middleware: './middleware.js:header', options: '[]' },
  ];
  for (const each of local) {
    await assert.rejects(async () => buildFilter(connect, { local: each, folder: files.folder }), {
      code: 'PORTICO_CONFIG_VALUE',
    });
  }
});

/** A rate limit like express-rate-limit, with Express's methods. */
const LIMIT = `export const limit = () => (req, response, next) =>
  req.get('x-pass') ? next() : response.status(429).append('x-limit', req.baseUrl).send({ slow: req.ip !== undefined });
export const fails = () => (req, response, next) => next(new Error('no'));`;

const EXPRESS = {
  'package.json': '{"type": "module"}',
  'limit.js': LIMIT,
  'node_modules/express/package.json': '{"name": "express", "main": "index.cjs"}',
  'node_modules/express/index.cjs': `module.exports = require(${JSON.stringify(createRequire(import.meta.url).resolve('express'))});`,
};

test('a middleware that uses methods of Express has them with express = true', async (t) => {
  const files = await filesUntilEnd(t, EXPRESS);
  const local = { middleware: './limit.js:limit', express: 'true' };
  const { made } = await buildFilter(connect, { local, folder: files.folder });
  const mounted = await new Router().mount('/mnt', made(app)).build();
  const limited = await request(lint(mounted), 'GET', '/mnt/x');
  assert.deepEqual([limited.status, limited.headers['x-limit'], limited.json()], [429, '/mnt', { slow: true }]);
  assert.equal((await request(lint(mounted), 'GET', '/mnt/x', { headers: { 'x-pass': '1' } })).text(), 'app');
  const failing = await buildFilter(connect, {
    local: { ...local, middleware: './limit.js:fails' },
    folder: files.folder,
  });
  assert.equal((await request(lint(failing.made(app)), 'GET', '/')).status, 500);
});

test('without it the error says what to write', async (t) => {
  const files = await filesUntilEnd(t, { 'package.json': '{"type": "module"}', 'limit.js': LIMIT });
  const local = { middleware: './limit.js:limit' };
  const { made } = await buildFilter(connect, { local, folder: files.folder });
  const failures: unknown[] = [];
  await request(
    (req, res) => {
      try {
        return made(app)(req, res);
      } catch (error) {
        failures.push(error);
        throw error;
      }
    },
    'GET',
    '/',
  );
  assert.equal((failures[0] as { code: string }).code, 'PORTICO_CONNECT_EXPRESS');
  assert.match(String(failures[0]), /req\.get is not a function/);
});

test('MW-2 an option of the configuration is refused at its line there', async () => {
  const config = '[connect]\nmiddleware = helmet\noptions = 1\n[fastify_plugin]\nplugin = helmet\noptions = 1\n';
  const isAt = (line: number) => (error: ConfigurationRefused) => error.origin?.line === line;
  await assert.rejects(async () => buildFilter(connect, { config }), isAt(3));
  await assert.rejects(async () => buildApp(fastifyPlugin, { config }), isAt(6));
});
