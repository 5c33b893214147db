import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, compose, environ } from 'portico/app';
import { requestConfig } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';

test('PD-159 the environ has global and local configuration merged, the nearest wins and is restored', async () => {
  const outer = await buildFilter(requestConfig, {
    global: { a: 'global', b: 'global' },
    local: { b: 'local', c: 'x' },
  });
  const inner = await buildFilter(requestConfig, { local: { only: 'inner' } });
  const seen: unknown[] = [];
  let env: ReturnType<typeof environ> | undefined;
  const app: App = (req, res) => {
    env = environ(req);
    seen.push([...(env.pasteConfig ?? [])]);
    res.end();
  };
  await request(lint(outer.made(app)), 'GET', '/');
  await request(lint(compose([outer.made, inner.made], app)), 'GET', '/');
  assert.deepEqual(seen, [
    [
      ['a', 'global'],
      ['b', 'local'],
      ['c', 'x'],
    ],
    [['only', 'inner']],
  ]);
  assert.equal(env?.pasteConfig, undefined);
});
