/** Tests the pages of docs/how-to: each page runs unchanged. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { root } from '../e2e/program.js';
import { startRedis, withoutRedis } from '../redis/redis-server.js';
import { type Postgresql, startPostgresql } from '../registry/start-postgresql.js';
import { brokerUrl, deleteTopic, withoutBroker } from '../rpc/transport/amqp/broker.js';
import { errorsIn } from './compiler.js';
import { blocksOf, type PageOptions, runPage } from './page.js';

/** Returns a command of npx as one of a package of the clone. */
const ownBin = (name: string): string => `'${join(root, 'node_modules/.bin', name)}'`;

/** The options of the pages. */
const PAGES: Readonly<Record<string, PageOptions>> = {
  'audit.md': {},
  'authentication.md': { packages: ['jose'] },
  'bundle.md': { replace: { 'npx esbuild': ownBin('esbuild') } },
  'debugging.md': {},
  'errors.md': {},
  'fastify-plugins.md': { packages: ['@fastify/cookie'] },
  'files.md': {},
  'filters.md': {},
  'graphql.md': { packages: ['graphql'] },
  'jobs.md': {},
  'kubernetes.md': {},
  'logging.md': {},
  'metrics.md': {},
  'mount-apps.md': { packages: ['express', 'hono', 'koa'] },
  'openapi.md': { packages: ['zod'] },
  'own-metrics.md': { packages: ['prom-client'] },
  'own-tokens.md': {},
  'policy.md': {},
  'proxies.md': {},
  'review-changes.md': {},
  'sessions.md': {},
  'shutdown-hooks.md': {},
  'static-files.md': {},
  'streaming.md': {},
  // The browser's files are not tested, so one file replaces the package.
  'swagger-ui.md': { files: { 'node_modules/swagger-ui-dist/swagger-ui-bundle.js': 'SwaggerUIBundle' } },
  'testing.md': {},
  'validation.md': { packages: ['zod'] },
  'websockets.md': { packages: ['ws'] },
  'write-an-extension.md': {},
};

for (const [page, options] of Object.entries(PAGES)) {
  test(`docs/how-to/${page} does what it says`, { timeout: 240_000 }, async (t) => {
    await runPage(t, `docs/how-to/${page}`, { ports: [8080, 8443, 9100], ...options });
  });
}

let started: ReturnType<typeof startPostgresql> | undefined;
after(async () => (await started)?.stop());

/** Starts PostgreSQL once for this file. Skips the test and returns undefined if it is not installed. */
async function postgresqlFor(t: TestContext): Promise<Postgresql | undefined> {
  started ??= startPostgresql();
  const postgresql = await started;
  if (postgresql === undefined) t.skip('PostgreSQL is not installed here');
  return postgresql;
}

test('docs/how-to/databases.md does what it says', { timeout: 240_000 }, async (t) => {
  const postgresql = await postgresqlFor(t);
  if (postgresql === undefined) return;
  await runPage(t, 'docs/how-to/databases.md', {
    packages: ['pg', 'drizzle-orm'],
    ports: [8080],
    replace: { 'postgresql://portico@database/portico': await postgresql.database() },
  });
});

test('docs/how-to/redis.md does what it says', { skip: withoutRedis, timeout: 240_000 }, async (t) => {
  const { url, port } = await startRedis(t);
  await runPage(t, 'docs/how-to/redis.md', {
    packages: ['redis'],
    ports: [8080],
    replace: { 'redis://127.0.0.1:6379': url, 'redis-cli --scan': `redis-cli -p ${port} --scan` },
  });
});

test('docs/how-to/many-machines.md does what it says', { skip: withoutBroker, timeout: 240_000 }, async (t) => {
  const postgresql = await postgresqlFor(t);
  if (postgresql === undefined) return;
  const exchange = `page-${process.pid}`;
  t.after(() => deleteTopic(exchange, 'images'));
  await runPage(t, 'docs/how-to/many-machines.md', {
    packages: ['rabbitmq-client', 'pg'],
    ports: [8080],
    replace: {
      'amqp://portico:secret@broker/': brokerUrl,
      'exchange = shop': `exchange = ${exchange}`,
      'postgresql://portico@database/portico': await postgresql.database(),
    },
  });
});

test('AU-6 docs/how-to/typed-client.md does what it says, and its client refuses what the API does not have', {
  timeout: 240_000,
}, async (t) => {
  const page = 'docs/how-to/typed-client.md';
  const generator = 'npx -y -p openapi-typescript@7 -p typescript@5 openapi-typescript';
  const project = await runPage(t, page, {
    packages: ['openapi-fetch'],
    ports: [8080],
    replace: { [generator]: ownBin('openapi-typescript') },
  });
  const client = blocksOf(page).find(({ file }) => file === 'client.ts')!.text;
  const generated = readFileSync(join(project, 'api.d.ts'), 'utf8');
  const mistaken = `${client}
// @ts-expect-error There is no such path.
await client.GET('/book/{id}', { params: { path: { id: 1 } } });
// @ts-expect-error The id is missing.
await client.GET('/books/{id}');
// @ts-expect-error A title is a text.
await client.POST('/books', { body: { title: 7 } });
// @ts-expect-error A book has no such member.
console.log(data?.author);
`;
  assert.equal(errorsIn({ 'api.d.ts': generated, 'client.ts': client, 'mistaken.ts': mistaken }), '');
});

test('every page of docs/how-to is run', () => {
  assert.deepEqual(
    readdirSync(join(root, 'docs/how-to')).toSorted(),
    [...Object.keys(PAGES), 'databases.md', 'many-machines.md', 'redis.md', 'typed-client.md'].toSorted(),
  );
});

test('the TypeScript of the pages compiles under the strictest options', () => {
  const files = readdirSync(join(root, 'docs/how-to')).flatMap((page) => {
    const blocks = blocksOf(`docs/how-to/${page}`).filter(({ language }) => language === 'ts');
    // The types of that client are generated.
    const here = blocks.filter(({ file }) => page !== 'typed-client.md' || file !== 'client.ts');
    return here.map(({ file, text }, at) => [join(page, file ?? `${at}.ts`), text] as const);
  });
  assert.ok(files.length > 0);
  assert.equal(errorsIn(Object.fromEntries(files)), '');
});
