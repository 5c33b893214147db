import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, type Filter } from 'portico/app';
import { lint, request } from 'portico/testing';
import { catching } from '#internal/app';

const noting =
  (notes: string[], name: string): Filter =>
  (app) =>
  (req, res) => {
    notes.push(name);
    return app(req, res);
  };

test('the first filter named is the outermost, and a filter may respond without calling its app', async () => {
  const notes: string[] = [];
  const refusing: Filter = () => (_req, res) => void res.writeHead(401).end();
  const app: App = (_req, res) => void res.end('app');
  const names = (...filters: Filter[]): Promise<number> =>
    request(lint(compose(filters, app)), 'GET', '/').then(({ status }) => status);
  assert.equal(await names(noting(notes, 'outer'), noting(notes, 'inner')), 200);
  assert.equal(await names(noting(notes, 'before'), refusing, noting(notes, 'never')), 401);
  assert.deepEqual(notes, ['outer', 'inner', 'before']);
  assert.equal(compose([], app), app);
});

test('what is no pipeline is refused when it is composed, and not by a request', () => {
  const app: App = () => undefined;
  const slips: [filters: unknown, app: unknown, said: RegExp][] = [
    [app, app, /the filters are a list, not a function/],
    [[{}], app, /a filter must be a function, not an object/],
    [[], 'app', /the app must be a function, not /],
  ];
  for (const [filters, inner, said] of slips) {
    assert.throws(() => compose(filters as Filter[], inner as App), { code: 'PORTICO_PIPELINE', message: said });
  }
});

test('a throw and a rejection are reported alike, and an app that returns nothing costs no promise', async () => {
  const caught: unknown[] = [];
  const run = (app: () => unknown): unknown =>
    catching(app as App, (error) => void caught.push(error))({} as never, {} as never);
  assert.equal(
    run(() => undefined),
    undefined,
  );
  assert.equal(
    run(() => ({ listening: true })),
    undefined,
  );
  assert.equal(
    run(() => {
      throw 'thrown';
    }),
    undefined,
  );
  await run(() => Promise.reject('rejected'));
  assert.deepEqual(caught, ['thrown', 'rejected']);
});
