import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App } from 'portico/app';
import { lint, request } from 'portico/testing';
import { isBelow, ofLongestPrefix } from '../../dist/middleware/path-prefix-match.js';

test('a path is below a prefix on the border of a segment, with and without a slash at its end', () => {
  for (const prefix of ['/a', '/a/', '/%61']) {
    assert.equal(isBelow('/a', prefix), true, prefix);
    assert.equal(isBelow('/a/b', prefix), true, prefix);
    assert.equal(isBelow('/ab', prefix), false, prefix);
    assert.equal(isBelow('/', prefix), false, prefix);
  }
  assert.equal(isBelow('/anything', '/'), true);
});

test('MW-22 the longest prefix counts by the path that it means, however it is written', async () => {
  const values = new Map([
    ['/v2', 'version'],
    ['/v2/caf%C3%A9', 'coffee'],
    ['/v2/café/x', 'deepest'],
  ]);
  const found = async (path: string): Promise<string> => {
    const app: App = (req, res) => void res.end(ofLongestPrefix(req, values) ?? 'none');
    return (await request(lint(app), 'GET', path)).text();
  };
  assert.equal(await found('/v2/servers'), 'version');
  assert.equal(await found('/v2/caf%C3%A9/y'), 'coffee');
  assert.equal(await found('/v2/caf%C3%A9/x/y'), 'deepest');
  assert.equal(await found('/v21'), 'none');
});
