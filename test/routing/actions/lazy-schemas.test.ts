import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import type { JsonSchema } from 'portico/routing';
import { isPlainData } from '../../../dist/routing/actions/plain-schema.js';
import { checking, serveRouter } from '../served-router.js';

test('RT-180 a schema that is changed after build() checks what it was', async (t) => {
  const schema: { type: string; minLength: number } = { type: 'string', minLength: 2 };
  const send = await serveRouter(t, checking(schema));
  schema.type = 'strin';
  schema.minLength = -1;
  const statuses = ['"ab"', '"a"', '7'].map(async (body) => (await send('POST', '/0', { body })).status);
  assert.deepEqual(await Promise.all(statuses), [200, 400, 400]);
});

test('RT-180 schemas whose JSON is equal, but not their meaning, have a check each', async (t) => {
  class Text {
    toJSON(): object {
      return {};
    }
  }
  const own = (schema: Text, properties: JsonSchema): JsonSchema => Object.assign(schema, properties) as JsonSchema;
  const send = await serveRouter(
    t,
    checking(
      Object.create({ type: 'string' }) as JsonSchema,
      Object.create({ type: 'number' }) as JsonSchema,
      own(new Text(), { type: 'string' }),
      own(new Text(), { type: 'number' }),
    ),
  );
  const statusOf = async (path: string, body: string): Promise<number> => (await send('POST', path, { body })).status;
  for (const path of ['/0', '/2']) {
    assert.deepEqual([await statusOf(path, '"a"'), await statusOf(path, '7')], [200, 400], path);
  }
  for (const path of ['/1', '/3']) {
    assert.deepEqual([await statusOf(path, '"a"'), await statusOf(path, '7')], [400, 200], path);
  }
});

test('RT-180 a misspelt keyword without a value is an error also after a schema of equal JSON', async () => {
  const misspelt = { minimun: undefined } as JsonSchema;
  await assert.rejects(checking({}, misspelt).build(), /there is no keyword "minimun"/);
});

test('RT-180 plain data is what its JSON text says all of', () => {
  const hidden = Object.defineProperty({}, 'type', { value: 'string', enumerable: false });
  const loop: Record<string, unknown> = {};
  loop.not = loop;
  const holed: unknown[] = [];
  holed.length = 2;
  const others: unknown[] = [
    undefined,
    { a: undefined },
    [undefined],
    holed,
    Number.NaN,
    1n,
    () => 1,
    new Date(0),
    new Map(),
  ];
  others.push(hidden, loop, Object.assign([1], { a: 1 }), Object.create(null));
  for (const [place, value] of others.entries()) assert.equal(isPlainData(value), false, `${place}`);
  fc.assert(fc.property(fc.jsonValue({ depthSize: 'small' }), (value) => isPlainData(value)));
});

test('RT-180 a schema too deep or too large for the compiler is refused by build(), not by its first value', async () => {
  let deep: JsonSchema = { type: 'string' };
  for (let level = 0; level < 2000; level += 1) deep = { properties: { a: deep } };
  const wide = { anyOf: Array.from({ length: 5000 }, (_, minLength) => ({ minLength })) };
  await assert.rejects(checking(deep).build(), /the body schema does not compile: Maximum call stack/);
  await assert.rejects(checking(wide).build(), /the body schema does not compile: Maximum call stack/);
});

test('RT-180 where Node may not make code of texts, build() refuses schemas', () => {
  const code = `
    import { action, Router } from 'portico/routing';
    const controller = { check: action({ body: { type: 'string' } }, () => 'ok') };
    const router = new Router().connect('/', { controller, action: 'check' });
    await router.build().then(() => console.log('built'), (error) => console.log(error.message));`;
  const run = spawnSync(
    process.execPath,
    ['--disallow-code-generation-from-strings', '--input-type=module', '--eval', code],
    { cwd: fileURLToPath(new URL('../../..', import.meta.url)), encoding: 'utf8' },
  );
  assert.match(run.stdout, /the body schema does not compile: .*--disallow-code-generation-from-strings/, run.stderr);
});
