import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';

const SHAPE = new URL('../../dist/process/v8.js', import.meta.url).href;

// V8 reports whether two objects have the same map. A map that was collected would be created again.
const PROGRAM = `
  import { createHook } from 'node:async_hooks';
  const { tickOfNode } = await import(${JSON.stringify(SHAPE)});
  const held = tickOfNode();
  await new Promise((resolve) => setImmediate(resolve));
  gc();
  let later;
  const hook = createHook({ init: (_id, type, _trigger, resource) => type === 'TickObject' && (later ??= resource) });
  hook.enable();
  process.nextTick(() => undefined);
  hook.disable();
  console.log(JSON.stringify({ same: %HaveSameMap(held, later), keys: Object.keys(held) }));
`;

test('a tick of Node that is held keeps its shape over a full collection', () => {
  const options = ['--expose-gc', '--allow-natives-syntax', '--input-type=module', '--eval', PROGRAM];
  const { stdout, stderr } = spawnSync(process.execPath, options, { encoding: 'utf8' });
  assert.equal(stderr, '');
  assert.deepEqual(JSON.parse(stdout), { same: true, keys: ['callback', 'args'] });
});
