/** Predictions of the plugin that answers a request, compared with Fastify's own choice. */
import assert from 'node:assert/strict';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { Router } from 'portico/routing';
import { silentLogger } from '#internal/log';
import { lookUp, serveRouter } from '../served-router.js';

const URLS = [
  '/items/:id',
  '/items/special',
  '/items/:id/parts/*',
  '/items/:name.json',
  '/years/:year(^\\d{4}$)',
  '/maybe/:word?',
  '/at/:hour(\\d+)h:minute(\\d+)m',
  '/odd::colon',
  '/files/*',
  '/deep/:a/:b',
  '/deep/:a/text',
  '/deep/*',
] as const;

const PATHS = [
  '/items/3',
  '/items/special',
  '/items/a%2Fb',
  '/items/a%20b',
  '/items/',
  '/items',
  '/items/3/parts/a/b',
  '/items/3/parts/',
  '/items/3/parts',
  '/items/x.json',
  '/years/2020',
  '/years/20x0',
  '/maybe/so',
  '/maybe',
  '/at/12h30m',
  '/at/12h30',
  '/odd:colon',
  '/files/a/b.txt',
  '/deep/1/2',
  '/deep/1/text',
  '/deep/1',
  '/deep/1/2/3',
  '/nothing',
  '/below/nothing',
  '/belows',
];

test('the predicted route of a plugin is the one that answers', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    for (const url of URLS) fastify.get(url, async () => url);
  };
  const below = async (fastify: FastifyInstance): Promise<void> => {
    fastify.post('/known', async () => 'known');
    fastify.setNotFoundHandler(async () => 'the not-found handler');
  };
  const router = new Router({ plugins: [plugin, [below, { prefix: '/below' }]], log: silentLogger() });
  router.get('/below/table', () => 1);
  const send = await serveRouter(t, router);
  for (const path of [...PATHS, '/below/known', '/below']) {
    const { status, text } = await send('GET', path);
    const { plugin } = lookUp(router, Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: path }));
    const said = plugin === null ? '404' : (plugin.route?.url ?? 'the not-found handler');
    assert.equal(said, status === 404 ? '404' : text, path);
  }
  assert.equal((await send('POST', '/below/table')).status, 405);
  const asked = Object.assign(new IncomingMessage(new Socket()), { method: 'POST', url: '/below/table' });
  assert.equal(lookUp(router, asked).plugin, null);
});
