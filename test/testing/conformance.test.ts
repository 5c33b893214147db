import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { HealthcheckPlugin } from 'portico/middleware';
import { type ConformanceCase, FakeTokenValidator, tokenValidatorConformance } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { SHIPPED_PLUGINS } from '#internal/middleware';
import { MemoryStore } from '#internal/registry';
import { PostgresqlStore } from '../../dist/registry/postgresql-store.js';
import { SqliteStore } from '../../dist/registry/sqlite-store.js';
import { startPostgresql } from '../registry/start-postgresql.js';
import { healthcheckConformance } from './plugin-conformance.js';
import { serviceStoreConformance } from './service-store-conformance.js';

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const postgresql = await startPostgresql();
after(() => postgresql?.stop());

/** Returns the cases that a driver does not pass. */
async function broken(cases: readonly ConformanceCase[]): Promise<string[]> {
  const names: string[] = [];
  for (const { name, run } of cases) {
    await run().catch(() => names.push(name.replace(/^.*?: /, '')));
  }
  return names;
}

function all(driver: string, cases: readonly ConformanceCase[]): void {
  for (const { name, run } of cases) test(`MG-50 MG-51 ${driver}: ${name}`, run);
}

let files = 0;
all(
  'memory',
  serviceStoreConformance((now) => new MemoryStore({ now })),
);
all(
  'sqlite',
  serviceStoreConformance((now) => new SqliteStore(join(folder, `${++files}.db`), { now })),
);
if (postgresql !== undefined) {
  all(
    'postgresql',
    serviceStoreConformance(async (now) => {
      const store = new PostgresqlStore(await postgresql.database(), { now });
      await store.migrate();
      return store;
    }),
  );
}
const tokens = { good: { userId: 'u', roles: ['member'] } };
all(
  'fake',
  tokenValidatorConformance(() => new FakeTokenValidator(tokens), { good: 'good', bad: 'bad' }),
);
const settings = { disableByFilePaths: [], enableByFilePaths: [], maxDelayMs: 60_000 };
for (const [name, make] of Object.entries(SHIPPED_PLUGINS)) {
  const made = make as unknown as (given: object, log: unknown) => HealthcheckPlugin;
  all(
    name,
    healthcheckConformance(() => made(settings, silentLogger())),
  );
}

test('MG-50 MG-45 a driver that breaks a promise is found out', async () => {
  class Hasty extends MemoryStore {
    override async lease(): Promise<boolean> {
      return true;
    }
    override async list(): ReturnType<MemoryStore['list']> {
      return [];
    }
  }
  assert.deepEqual(await broken(serviceStoreConformance((now) => new Hasty({ now }))), [
    'a list is sorted by host and binary, and takes what its filter says',
    'a lease belongs to one owner until it ends',
  ]);
  class Behaving extends FakeTokenValidator {
    override async validate(token: string) {
      const info = await super.validate(token);
      return info === null ? null : { ...info, claims: { refresh: () => {} } };
    }
  }
  const samples = { good: 'good', bad: 'bad' };
  assert.deepEqual(await broken(tokenValidatorConformance(() => new Behaving(tokens), samples)), [
    'a good token says who its bearer is, in plain data',
  ]);
});
