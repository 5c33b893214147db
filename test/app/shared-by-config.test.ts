import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FactoryContext } from 'portico/app';
import { Config } from 'portico/config';
import { sharedByConfig } from '../../dist/app/shared-by-config.js';

function appOf(config: Config): { readonly ctx: FactoryContext; readonly close: () => void } {
  const releases: (() => unknown)[] = [];
  const ctx = { config, onClose: (release: () => unknown) => void releases.push(release) } as unknown as FactoryContext;
  return { ctx, close: () => releases.forEach((release) => void release()) };
}

test('SC-3 apps of one configuration share one thing, closed with the last of them', () => {
  const closed: number[] = [];
  let opened = 0;
  const storeOf = sharedByConfig({ open: () => ++opened, close: (thing) => void closed.push(thing) });
  const config = new Config();
  const [first, second, other] = [appOf(config), appOf(config), appOf(new Config())];
  assert.deepEqual([storeOf(first.ctx), storeOf(second.ctx), storeOf(other.ctx)], [1, 1, 2]);
  first.close();
  assert.deepEqual(closed, []);
  second.close();
  assert.deepEqual(closed, [1]);
  assert.equal(storeOf(appOf(config).ctx), 3);
});

test('SC-3 what must be kept outlives its last user', () => {
  let opened = 0;
  const storeOf = sharedByConfig({ open: () => ++opened, close: () => assert.fail('closed'), keep: () => true });
  const config = new Config();
  const app = appOf(config);
  storeOf(app.ctx);
  app.close();
  assert.equal(storeOf(appOf(config).ctx), 1);
});
