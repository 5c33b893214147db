/** Trials find the plugin that serves a request, compared with Fastify's own choice. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import { silentLogger } from '../../../dist/log/internal.js';
import { Router } from '../../../dist/routing/index.js';
import { describeStep } from '../../../dist/routing/internal.js';
import { trialServer } from '../../../dist/server/internal.js';
import { closedAfter } from '../../fixtures/closed-after.js';
import { serveApp } from '../served-router.js';

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

test('a trial ends at the route of a plugin that serves clients', async (t) => {
  const plugin = async (fastify: FastifyInstance): Promise<void> => {
    for (const url of URLS) fastify.get(url, async () => url);
  };
  const below = async (fastify: FastifyInstance): Promise<void> => {
    fastify.post('/known', async () => 'known');
    fastify.setNotFoundHandler(async () => 'the not-found handler');
  };
  const router = new Router({ plugins: [plugin, [below, { prefix: '/below' }]], log: silentLogger() });
  router.get('/below/table', () => 1);
  const app = closedAfter(t, await router.build());
  const send = await serveApp(t, app);
  const limits = {
    maxHeaders: 0,
    maxUrlLength: 0,
    allowUnderscoreHeaders: false,
    paths: 'as_sent',
    serverDebug: false,
  };
  const run = trialServer(app, limits as Parameters<typeof trialServer>[1]);
  const tried = async (method: string, url: string) => {
    const { trial } = await run({ method, url, headers: { host: ['localhost'] }, secure: false });
    return trial.steps.flatMap((step) => describeStep(step) ?? []).at(-1)!.plugin;
  };
  for (const path of [...PATHS, '/below/known', '/below']) {
    const { status, text } = await send('GET', path);
    const found = await tried('GET', path);
    const said = found === null ? '404' : (found.route?.url ?? 'the not-found handler');
    assert.equal(said, status === 404 ? '404' : text, path);
  }
  assert.equal((await send('POST', '/below/table')).status, 405);
  assert.equal(await tried('POST', '/below/table'), null);
});
