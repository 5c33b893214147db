import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checking, message, post } from '../../routing/actions/checking.js';
import { serveRouter } from '../../routing/served-router.js';

test('RT-182 the message names the field, the value, and what was wanted', async (t) => {
  const send = await serveRouter(
    t,
    checking({
      type: 'object',
      required: ['server'],
      properties: {
        server: {
          type: 'object',
          properties: {
            name: { type: 'string', maxLength: 3 },
            size: { enum: ['s', 'm'] },
            adminPass: { type: 'string', minLength: 5 },
            key: { type: 'string', minLength: 5, writeOnly: true },
            tags: { type: 'array', items: { type: 'string' } },
            labels: { propertyNames: { pattern: '^[a-z]+$' } },
          },
          additionalProperties: false,
        },
      },
    }),
  );
  const cases: [body: unknown, said: RegExp, unsaid?: RegExp][] = [
    [{}, /for server: it is required/],
    [{ server: { name: 'long' } }, /for server\.name: must NOT have more than 3 characters\.$/],
    [{ server: { size: 'x' } }, /for server\.size: must be one of \["s","m"\]\.$/],
    [{ server: { tags: ['a', 7] } }, /for server\.tags\.1: must be string\.$/],
    [{ server: { other: [1] } }, /for server\.other: additional properties are not allowed\.$/],
    [{ server: { adminPass: 'abc' } }, /server\.adminPass/, /abc/],
    [{ server: { key: 'abc' } }, /server\.key/, /abc/],
    [{ server: { labels: { UP: 1 } } }, /server\.labels: the name "UP" must match pattern "\^\[a-z\]\+\$"\.$/],
    [7, /for the body: must be object/],
    [{ server: { name: { adminPass: 'abc' } } }, /server\.name: must be string\.$/, /abc/],
  ];
  for (const [body, said, unsaid] of cases) {
    const answer = await post(send, body);
    assert.equal(answer.status, 400);
    assert.match(message(answer), said);
    if (unsaid !== undefined) assert.doesNotMatch(message(answer), unsaid);
  }
  const long = await post(send, { server: { name: 'x'.repeat(5000) } });
  assert.ok(message(long).length < 400);
  const deep = `{"server":{"name":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
  const answer = await send('POST', '/', { body: deep });
  assert.deepEqual([answer.status, message(answer).endsWith('must be string.')], [400, true]);
});
