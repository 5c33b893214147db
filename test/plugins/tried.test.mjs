/**
 * Tests each case in each of its ways on a service of two workers, at `/` and below a mount. The same checks run on bare Fastify,
 * Express or `node:http`, which shows that the checks are right.
 *
 * `router`: plugins of a Router. `fastify`: a plugin in `fastifyApp`. `connect`: filters by `fromConnect`. `express`: an unchanged app.
 * `ini`: no code, only the paste file.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { fastify } from 'fastify';
import { ask as request } from './client.mjs';
import { serve } from './service.mjs';

process.env.PORTICO_TEST_REDIS ??= 'redis://127.0.0.1:6379';
process.env.PORTICO_TEST_POSTGRESQL ??= 'postgresql://postgres@127.0.0.1:5432/postgres';
const missing = {
  redis: await missingAt(process.env.PORTICO_TEST_REDIS),
  postgresql: await missingAt(process.env.PORTICO_TEST_POSTGRESQL),
};
const wanted = process.env.PORTICO_PLUGINS?.split(' ').filter(Boolean) ?? [];
const TIMEOUT_MS = 60_000;
const WAYS = ['router', 'fastify', 'connect', 'express', 'ini'];

for (const file of readdirSync(new URL('cases/', import.meta.url)).toSorted()) {
  const url = new URL(`cases/${file}`, import.meta.url);
  const { cases } = await import(url.href);
  describe(file.replace('.mjs', ''), { concurrency: 2 }, () => {
    for (const [name, tried] of Object.entries(cases)) {
      if (wanted.length > 0 && !wanted.some((word) => name.includes(word))) continue;
      const skip = missing[tried.needs];
      for (const way of WAYS.filter((each) => tried[each] !== undefined)) {
        test(`${name}: ${way}`, { skip, timeout: TIMEOUT_MS }, () =>
          onPortico(tried, { file: fileURLToPath(url), name, way }),
        );
      }
      if (tried.bare !== false) test(`${name}: bare`, { skip, timeout: TIMEOUT_MS }, () => onItsOwn(tried));
    }
  });
}

async function onPortico(tried, { file, name, way }) {
  const started = await tried.start?.();
  const env = { ...started?.env, ...tried.env?.() };
  try {
    const ini = way === 'ini' ? tried.ini(env) : undefined;
    const mounts = tried.mounts ?? ['', '/mnt'];
    const service = await serve({ file, name, way, ini, files: tried.files, mounts }, env);
    let end;
    try {
      for (const mount of mounts) await check(tried, { origin: service.url, mount, way, service });
    } finally {
      end = await service.stop();
    }
    assert.equal(end.status, 0, end.lines.join('\n'));
    assert.deepEqual(
      end.errors.filter((line) => tried.errors?.test(line) !== true),
      [],
    );
  } finally {
    await started?.close();
  }
}

async function onItsOwn(tried) {
  const started = await tried.start?.();
  Object.assign(process.env, started?.env, tried.env?.());
  const { server, close } = await bareServer(tried);
  try {
    await check(tried, { origin: `http://127.0.0.1:${server.address().port}`, mount: '', way: 'bare' });
  } finally {
    server.closeAllConnections();
    await close();
    await started?.close();
    await tried.close?.();
  }
}

async function bareServer(tried) {
  if (tried.fastify !== undefined) {
    const instance = fastify();
    instance.register(async (scope) => tried.fastify(scope));
    await instance.listen({ port: 0, host: '127.0.0.1' });
    return { server: instance.server, close: () => instance.close() };
  }
  const server = createServer(tried.express?.() ?? withinExpress(tried)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, close: () => new Promise((resolve) => server.close(resolve)) };
}

function withinExpress({ connect, inner }) {
  const app = express();
  app.use(...connect());
  app.use(inner);
  return app;
}

function check({ checks }, { origin, mount, way, service }) {
  const ask = (path, options) => request(`${origin}${mount}${path}`, options);
  ask.whole = (path, options) => request(`${origin}${path}`, options);
  return checks({ ask, url: `${origin}${mount}`, mount, way, service });
}

/** Returns the reason to skip tests that need this server, or false. */
async function missingAt(text) {
  const { hostname, port } = new URL(text);
  const socket = connect(Number(port), hostname);
  try {
    await once(socket, 'connect');
    return false;
  } catch {
    return `nothing listens at ${hostname}:${port}`;
  } finally {
    socket.destroy();
  }
}
