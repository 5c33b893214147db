import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { connect, fastifyPlugin } from 'portico/middleware';
import { buildApp, buildFilter, lint, request, tempConfig } from 'portico/testing';

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
  const files = await tempConfig(FILES);
  t.after(() => files.remove());
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
  const files = await tempConfig(FILES);
  t.after(() => files.remove());
  const local = { plugin: './plugin.js:plugin', options: '{"a": 1}' };
  const { made, close } = await buildApp(fastifyPlugin, { local, folder: files.folder });
  t.after(close);
  assert.deepEqual((await request(lint(made), 'GET', '/')).json(), { a: 1 });
  assert.equal((await request(lint(made), 'GET', '/nowhere')).status, 404);
});

test('MW-5 what is no function, and options that are no JSON object, refuse to load', async (t) => {
  const files = await tempConfig(FILES);
  t.after(() => files.remove());
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
