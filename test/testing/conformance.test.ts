import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HealthcheckPlugin } from 'portico/middleware';
import { type ConformanceCase, FakeTokenValidator, tokenValidatorConformance } from 'portico/testing';
import { silentLogger } from '#internal/log';
import { SHIPPED_PLUGINS } from '#internal/middleware';
import { healthcheckConformance } from './plugin-conformance.js';

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
