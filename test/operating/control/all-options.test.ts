/** The options of all processes. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config } from 'portico/config';
import { controlRoutes } from '../../../dist/operating/control-routes.js';

test('each process lists its options once: a process without workers for all its services, a worker for its service', async () => {
  const config = await Config.load({ argv: [], env: {} });
  const asked: string[] = [];
  const runner = {
    describe: async (service: string) => {
      asked.push(service);
      return { body: [] };
    },
  };
  const status = () => ({ services: [{ name: 'one' }, { name: 'two' }] });
  for (const fleet of [undefined, {}]) {
    const controlled = { config, status, runner: { ...runner, fleet } };
    const routes = controlRoutes(controlled as never, undefined as never) as never as Record<
      string,
      (request: object) => Promise<{ readonly unanswered: readonly object[] }>
    >;
    const { unanswered } = await routes['GET /config']!({ query: new URLSearchParams('all') });
    assert.deepEqual(unanswered, []);
  }
  assert.deepEqual(asked, ['one', 'one', 'two']);
});
