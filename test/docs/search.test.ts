/** Tests that the search of the site finds the page for what authors and operators of an API ask. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { removeFolder, temporaryFolder } from '../fixtures/keeper.js';
import { root } from '../fixtures/project.js';

/** Words of a reader, and the address of a section that says it. */
const AUTHORS = {
  'how do I validate a body': 'docs/how-to/validation.html#validate-requests',
  'return 404': 'docs/how-to/errors.html',
  'stream response': 'docs/how-to/streaming.html',
  'upload file': 'docs/how-to/files.html',
  'own error format': 'docs/how-to/errors.html',
  'own logger': 'docs/how-to/logging.html#your-own-logger',
  authentication: 'docs/how-to/authentication.html',
  cors: 'docs/reference/filters/browsers.html#cors',
  'route timeout': 'docs/reference/filters/limits.html#deadline',
  'test a route': 'docs/how-to/testing.html',
  'middleware order': 'docs/reference/filters.html#order',
  'types of params': 'docs/reference/routing.html#types-of-params-query-and-body',
  websockets: 'docs/how-to/websockets.html',
  'database pool per worker': 'docs/how-to/databases.html',
  'background job': 'docs/how-to/jobs.html',
  openapi: 'docs/how-to/openapi.html',
  'api versioning': 'docs/reference/routing.html#api-versions',
  'rate limit': 'docs/reference/filters/limits.html#rate_limit',
  'graceful shutdown hook': 'docs/how-to/shutdown-hooks.html',
  'own config option': 'docs/reference/config.html',
};
const OPERATORS = {
  'reload without losing requests': 'docs/operate/reload.html#reload',
  'which config applies': 'docs/operations.html#which-configuration-applies',
  'why is it down at 3 a.m.': 'docs/operations.html',
  'log level at runtime': 'docs/reference/commands.html#log-level',
  metrics: 'docs/how-to/metrics.html',
  'tls renewal': 'docs/production.html#tls',
  'number of workers': 'docs/reference/options.html#apiname-workers',
  'memory limit': 'docs/reference/options.html#default-max_memory',
  'systemd unit': 'docs/operate/systemd.html#the-systemd-unit',
  kubernetes: 'docs/how-to/kubernetes.html',
  'stuck worker': 'docs/operate/signals.html#workers-that-end',
  'unknown option': 'docs/reference/errors.html#portico_config_unknown_option',
  'dry run': 'docs/operations.html#dry-run-of-a-reload',
  'drain load balancer': 'docs/reference/options.html#default-drain_delay',
  'who holds the port': 'docs/operations.html#an-address-is-already-in-use',
};

test('the search finds a section for 35 questions among its first three', async (t) => {
  const site = temporaryFolder('portico-search-');
  t.after(() => removeFolder(site));
  await promisify(execFile)(process.execPath, ['site/build.mjs', site], { cwd: root });
  const { default: MiniSearch } = await import('minisearch');
  const { find, options } = await import(pathToFileURL(join(root, 'site/search-options.mjs')).href);
  const index = MiniSearch.loadJSON(readFileSync(join(site, '_site/index.json'), 'utf8'), options);
  const missed = Object.entries({ ...AUTHORS, ...OPERATORS }).flatMap(([query, address]) => {
    const urls: readonly string[] = find(index, query).map(({ url }: { url: string }) => url);
    return urls.slice(0, 3).some((url) => url.startsWith(address)) ? [] : [`${query}: ${urls.slice(0, 3).join(', ')}`];
  });
  assert.deepEqual(missed, []);
});
