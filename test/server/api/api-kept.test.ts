/** The options of an API that a reload in one process does not change: those of its server, registry and managers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKept } from '../../../dist/server/api/api-kept.js';

const registry = {};
const managers = [{}];
const kept = (have: { registry?: object; managers?: object[] }, ...options: string[]) =>
  options.filter((option) => isKept('books', option, { registry: null, managers: [], ...have }));

const REGISTRY = ['servicegroup.stale_read_s', 'database.pool_size', 'DEFAULT.report_interval'];
const OPENS = ['servicegroup.connection', 'servicegroup.driver', 'database.connection'];

test('an API without a registry keeps what would open one, and no other option of it', () => {
  assert.deepEqual(kept({}, ...OPENS, ...REGISTRY, 'DEFAULT.host'), OPENS);
  assert.deepEqual(kept({ managers }, ...OPENS, ...REGISTRY), OPENS);
});

test('an API with a registry keeps all options of it, registered or not', () => {
  assert.deepEqual(kept({ registry }, ...OPENS, ...REGISTRY, 'DEFAULT.host'), [...OPENS, ...REGISTRY, 'DEFAULT.host']);
  assert.deepEqual(kept({ registry }, 'servicegroup.purge_after_days', 'rpc.timeout'), []);
});

test('RV-11 an API keeps what its server reads only when it is created', () => {
  const created = ['wsgi.handshake_timeout', 'wsgi.tcp_keepidle', 'DEFAULT.enabled_ssl_apis'];
  assert.deepEqual(kept({}, ...created, 'wsgi.max_headers', 'ssl.client_auth'), created);
});

test('an API with managers keeps the host of their context, and their remote calls', () => {
  assert.deepEqual(kept({ managers }, 'DEFAULT.host', 'rpc.timeout'), ['DEFAULT.host', 'rpc.timeout']);
});
