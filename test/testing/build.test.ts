import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AppFactory, FilterFactory } from 'portico/app';
import { buildApp, buildFilter } from 'portico/testing';

/** Casts a value that the compiler refuses. */
const wrong = <T>(value: unknown): T => value as T;

test('what a factory gives is looked at as a Loader does', async () => {
  const wrongResult = { code: 'PORTICO_WRONG_RESULT' };
  await assert.rejects(buildApp(wrong<AppFactory>(() => undefined)), {
    ...wrongResult,
    message: /gave undefined, not an app/,
  });
  await assert.rejects(buildFilter(wrong<FilterFactory>(() => ({}))), {
    ...wrongResult,
    message: /an object, not a filter/,
  });
  await assert.rejects(buildFilter(wrong<FilterFactory>(5)), wrongResult);
  const { made } = await buildFilter(wrong<FilterFactory>(() => () => 5));
  assert.throws(() => made(() => {}), { ...wrongResult, message: /the filter gave the number 5, not an app/ });
});
