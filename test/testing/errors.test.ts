import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';
import { requestId } from 'portico/middleware';
import { buildApp, buildFilter, lint, request } from 'portico/testing';

/** Casts a value that the compiler refuses. */
const wrong = <T>(value: unknown): T => value as T;

test('a pipeline says what it is made of', () => {
  const app: App = (_req, res) => void res.end();
  const pass: Filter = (inner) => inner;
  assert.equal(compose([], app), app);
  const issue = { code: 'PORTICO_PIPELINE' };
  assert.throws(() => compose(wrong<Filter[]>(pass), app), { ...issue, message: /a list, not a function/ });
  assert.throws(() => compose([wrong<Filter>(undefined)], app), {
    ...issue,
    message: /a filter must be a function, not undefined/,
  });
  assert.throws(() => compose([pass], wrong<App>(undefined)), {
    ...issue,
    message: /the app must be a function, not undefined/,
  });
});

test('options that do not exist are refused, with the nearest name', async () => {
  const app: App = (_req, res) => void res.end();
  const rows: readonly (readonly [call: () => unknown, message: string, hint: string])[] = [
    [() => buildFilter(requestId, { locl: {} } as object), 'buildFilter has no option "locl"', 'Did you mean "local"?'],
    [
      () => buildApp(() => app, { configs: '' } as object),
      'buildApp has no option "configs"',
      'Did you mean "config"?',
    ],
    [
      () => lint(app, { foreignPatch: true } as object),
      'lint has no option "foreignPatch"',
      'Did you mean "foreignPatches"?',
    ],
    [
      () => request(app, 'GET', '/', { header: {} } as object),
      'request has no option "header"',
      'Did you mean "headers"?',
    ],
  ];
  for (const [call, message, hint] of rows) {
    await assert.rejects(async () => call(), { code: 'PORTICO_INVALID_OPTION', message, hint });
  }
});

test('options of another kind than an object are refused, a body in their place with how to write it', async () => {
  const app: App = (_req, res) => void res.end();
  const asBody = 'Write a body as { body: … }, or as { json: … }.';
  const rows: readonly (readonly [call: () => unknown, message: string, hint: string | undefined])[] = [
    [
      () => request(app, 'POST', '/', wrong('hello')),
      'the options of request are the text "hello", not an object',
      asBody,
    ],
    [() => request(app, 'POST', '/', wrong(5)), 'the options of request are the number 5, not an object', asBody],
    [() => request(app, 'POST', '/', wrong([1])), 'the options of request are a list, not an object', asBody],
    [() => request(app, 'POST', '/', wrong(null)), 'the options of request are null, not an object', asBody],
    [
      () => request(app, 'POST', '/', wrong(Buffer.from('a'))),
      'the options of request are bytes, not an object',
      asBody,
    ],
    [
      () => buildFilter(requestId, wrong('local')),
      'the options of buildFilter are the text "local", not an object',
      undefined,
    ],
    [() => buildApp(() => app, wrong(true)), 'the options of buildApp are the boolean true, not an object', undefined],
    [
      () => lint(app, wrong('foreignPatches')),
      'the options of lint are the text "foreignPatches", not an object',
      undefined,
    ],
  ];
  for (const [call, message, hint] of rows) {
    await assert.rejects(async () => call(), { code: 'PORTICO_INVALID_OPTION', message, hint });
  }
});
