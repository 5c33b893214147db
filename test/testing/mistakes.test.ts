import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';

/** A value that the compiler would not let through. */
const wrong = <T>(value: unknown): T => value as T;

test('a pipeline says what it is made of', () => {
  const app: App = (_req, res) => void res.end();
  const pass: Filter = (inner) => inner;
  assert.equal(compose([], app), app);
  const mistake = { code: 'PORTICO_PIPELINE' };
  assert.throws(() => compose(wrong<Filter[]>(pass), app), { ...mistake, message: /a list, not a function/ });
  assert.throws(() => compose([wrong<Filter>(undefined)], app), {
    ...mistake,
    message: /a filter must be a function, not undefined/,
  });
  assert.throws(() => compose([pass], wrong<App>(undefined)), {
    ...mistake,
    message: /the app must be a function, not undefined/,
  });
});
