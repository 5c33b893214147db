/** Checks of values by schemas, for servers of other protocols. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { currentContext, currentDeadline, RequestContext, runInRequest, SchemaChecks } from 'portico/app';

test('a value that its schema refuses has its first error, with its steps as sent; a valid one has none', () => {
  const check = new SchemaChecks().compile({
    type: 'object',
    additionalProperties: false,
    properties: { 'a.b': { type: 'integer' }, password: { type: 'string' } },
  });
  assert.equal(check({ 'a.b': 1 }), undefined);
  const refused = { path: 'a.b', steps: ['a.b'], keyword: 'type', wanted: 'must be integer', shown: '"1"' };
  assert.deepEqual(check({ 'a.b': '1' }), refused);
  assert.equal(check({ password: 1 })?.shown, undefined);
  const { steps, keyword } = check({ other: 1 })!;
  assert.deepEqual([steps, keyword], [['other'], 'additionalProperties']);
});

test('a value that is nested too deeply is refused, and a schema with an unknown keyword is an error with a hint', () => {
  const checks = new SchemaChecks();
  const check = checks.compile({ $id: 'list', type: 'array', items: { $ref: 'list' } });
  let deep: unknown = [];
  for (let depth = 0; depth < 50_000; depth++) deep = [deep];
  assert.equal(check(deep)?.keyword, 'depth');
  assert.throws(() => checks.compile({ type: 'object', propertys: {} }), { hint: 'Did you mean "properties"?' });
});

test('code that runs in a request has its context and time limit, and in an empty one it has left it', async () => {
  const context = new RequestContext({ userId: 'u' });
  const seen = () => [currentContext()?.userId, currentDeadline()];
  assert.deepEqual(seen(), [undefined, undefined]);
  await runInRequest({ context, deadline: 5 }, async () => {
    await Promise.resolve();
    assert.deepEqual(seen(), ['u', 5]);
    assert.deepEqual(runInRequest({}, seen), [undefined, undefined]);
    assert.deepEqual(seen(), ['u', 5]);
  });
});
