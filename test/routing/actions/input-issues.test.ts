/** Tests the issues of input that a schema refuses, with all their locations, and the status of such a request. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type } from 'arktype';
import type { FaultIssue, FaultRenderer } from 'portico/app';
import { type ActionOptions, action, type JsonSchema, Router, type RouterOptions } from 'portico/routing';
import * as v from 'valibot';
import { z } from 'zod';
import { openApiDocument } from '#internal/routing';
import { keepingLogger, type Send, serveRouter, testBoth } from '../served-router.js';

type TestContext = Parameters<typeof serveRouter>[0];

const listing: FaultRenderer = ({ issues, message }) => ({
  body: { message, issues: issues.map(({ where, path, message, keyword }) => ({ where, path, message, keyword })) },
});

function checking(t: TestContext, options: ActionOptions, more: RouterOptions = {}): Promise<Send> {
  const router = new Router({ faultStyle: listing, log: keepingLogger(), ...more });
  const controller = { check: action(options, () => 'ok') };
  router.connect('/check', { controller, action: 'check', conditions: { method: ['POST'] } });
  return serveRouter(t, router);
}

const issuesOf = async (send: Send, body: unknown, query = ''): Promise<readonly FaultIssue[]> => {
  const { json } = await send('POST', `/check${query}`, {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return (json as { issues: readonly FaultIssue[] }).issues;
};

const user = {
  type: 'object',
  required: ['user'],
  additionalProperties: false,
  properties: {
    user: {
      type: 'object',
      required: ['name', 'email'],
      properties: {
        name: { type: 'string', minLength: 2 },
        email: { type: 'string', format: 'email' },
        tags: { type: 'array', items: { type: 'string' } },
      },
    },
  },
} as const;

test('all that a JSON Schema refuses of a body is in the fault, the message has the first', async (t) => {
  const send = await checking(t, { body: user });
  const body = { user: { name: 'x', email: 'no', tags: ['a', 7] }, more: 1 };
  const issues = await issuesOf(send, body);
  assert.deepEqual(
    issues.toSorted((a, b) => (a.path.join() < b.path.join() ? -1 : 1)),
    [
      { where: 'body', path: ['more'], message: 'is not allowed', keyword: 'additionalProperties' },
      { where: 'body', path: ['user', 'email'], message: 'must match format "email"', keyword: 'format' },
      { where: 'body', path: ['user', 'name'], message: 'must NOT have fewer than 2 characters', keyword: 'minLength' },
      { where: 'body', path: ['user', 'tags', 1], message: 'must be string', keyword: 'type' },
    ],
  );
  assert.deepEqual(await issuesOf(send, { user: {} }), [
    { where: 'body', path: ['user', 'name'], message: 'is required', keyword: 'required' },
    { where: 'body', path: ['user', 'email'], message: 'is required', keyword: 'required' },
  ]);
  const none = await send('POST', '/check');
  assert.deepEqual(none.json, {
    message: 'The request needs a body.',
    issues: [{ where: 'body', path: [], message: 'is required', keyword: 'required' }],
  });
});

test('issues of a query say so', async (t) => {
  const send = await checking(t, {
    query: { type: 'object', properties: { limit: { type: 'integer' }, page: { type: 'integer' } } },
  });
  const { json } = await send('POST', '/check?limit=x&page=y');
  assert.deepEqual(
    (json as { issues: readonly FaultIssue[] }).issues.map(({ where, path }) => [where, ...path]),
    [
      ['query', 'limit'],
      ['query', 'page'],
    ],
  );
});

testBoth(
  'issues of params, headers, query and body are in one response; what a schema makes of headers is request.headers',
  async (t, Router) => {
    const number = { type: 'object', properties: { n: { type: 'integer' } } } as const;
    const headers = { type: 'object', required: ['x-page'], properties: { 'x-page': { type: 'integer' } } } as const;
    const query = z.object({ n: z.string().refine(async (text) => text === '1', 'one is wanted') });
    const router = new Router({ faultStyle: listing, log: keepingLogger(), invalidInputStatus: 422 });
    const options = { params: number, headers, query, body: number } as const;
    router.post('/check/{n}', options, ({ params, headers: sent, body }) => [params.n, sent['x-page'] + 1, body.n]);
    const send = await serveRouter(t, router);
    const post = (path: string, page: string, body: unknown) =>
      send('POST', path, {
        headers: { 'content-type': 'application/json', 'x-page': page },
        body: body === undefined ? '' : JSON.stringify(body),
      });
    assert.deepEqual((await post('/check/3?n=1', '4', { n: 5 })).json, [3, 5, 5]);
    const placesOf = async (answer: ReturnType<typeof post>) => {
      const { status, json } = await answer;
      const { message, issues } = json as { message: string; issues: readonly FaultIssue[] };
      return [status, message, ...issues.map(({ where, path }) => [where, ...path].join('.'))];
    };
    const message = 'Invalid input for path parameter n: must be integer.';
    assert.deepEqual(await placesOf(post('/check/x?n=2', 'y', { n: 'z' })), [
      422,
      message,
      'params.n',
      'headers.x-page',
      'query.n',
      'body.n',
    ]);
    const last = ['headers.x-page', 'body'];
    assert.deepEqual((await placesOf(post('/check/3?n=1', 'y', undefined))).slice(2), last);
    const { paths } = openApiDocument(router, { title: 't' }) as { paths: Record<string, { post: Documented }> };
    const { parameters, responses } = paths['/check/{n}']!.post;
    const field = { name: 'x-page', in: 'header', required: true, schema: { type: 'integer' } };
    assert.deepEqual(parameters.at(-1), field);
    assert.ok(responses['422']);
    const upper = new Router().get('/', { headers: { properties: { 'X-Page': {} } } }, () => 'x');
    await assert.rejects(upper.build(), /no header is called "X-Page".*Write "x-page"/s);
  },
);

interface Documented {
  readonly parameters: readonly object[];
  readonly responses: Readonly<Record<string, object>>;
}

test('issues of Zod have its codes, and its "Invalid input" is not said twice', async (t) => {
  const body = z.object({ title: z.string().min(3), count: z.number(), tags: z.array(z.string()) });
  const send = await checking(t, { body });
  const { json } = await send('POST', '/check', {
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ title: 'x', count: 'many', tags: ['a', 1] }),
  });
  const { message, issues } = json as { message: string; issues: readonly FaultIssue[] };
  assert.deepEqual(
    issues.map(({ path, keyword }) => [...path, keyword]),
    [
      ['title', 'too_small'],
      ['count', 'invalid_type'],
      ['tags', 1, 'invalid_type'],
    ],
  );
  assert.doesNotMatch(issues[1]!.message, /Invalid input/);
  assert.match(issues[1]!.message, /^expected number/);
  assert.match(message, /^Invalid input for title: (?!Invalid)/);
});

test('the message of an issue goes on behind the name of its part, whatever the schema is written in', async (t) => {
  const sentences = async (body: NonNullable<ActionOptions['body']>, value: unknown): Promise<string[]> =>
    (await issuesOf(await checking(t, { body }), value)).map(({ where, path, message }) =>
      [[where, ...path].join('.'), message].join(' '),
    );
  const absent = ['body.user.name is required'];
  assert.deepEqual(await sentences(user, {}), ['body.user is required']);
  assert.deepEqual(await sentences(user, []), ['body must be object']);
  const inZod = z.object({ user: z.object({ name: z.string() }) });
  const inValibot = v.object({ user: v.object({ name: v.string() }) });
  const inArkType = type({ user: { name: 'string' } });
  assert.deepEqual(await sentences(inZod, {}), ['body.user is required']);
  for (const schema of [inZod, inValibot]) assert.deepEqual(await sentences(schema, { user: {} }), absent);
  assert.deepEqual(await sentences(inArkType, { user: {} }), ['body.user.name must be a string (was missing)']);
  const { json } = await (await checking(t, { body: inZod }))('POST', '/check', {
    headers: { 'content-type': 'application/json' },
    body: '{"user":{}}',
  });
  assert.equal((json as { message: string }).message, 'Invalid input for user.name: it is required.');
});

test('a value of a secret is in no issue', async (t) => {
  const send = await checking(t, { body: z.object({ password: z.literal('x') }) });
  assert.doesNotMatch(JSON.stringify(await issuesOf(send, { password: 'hunter2' })), /hunter2/);
});

test('invalidInputStatus is the status of what a schema refuses, and of nothing else', async (t) => {
  const send = await checking(t, { body: user }, { invalidInputStatus: 422 });
  const post = async (body: string): Promise<number> =>
    (await send('POST', '/check', { headers: { 'content-type': 'application/json' }, body })).status;
  assert.equal(await post('{}'), 422);
  assert.equal(await post('{'), 400);
  assert.equal((await send('POST', '/check')).status, 422);
  assert.equal((await send('GET', '/check')).status, 405);
});

test('a pattern gets no text beyond maxLength, and of a huge value the first error is enough', async (t) => {
  const body = {
    type: 'object',
    properties: {
      // This pattern takes exponential time.
      word: { type: 'string', maxLength: 10, pattern: '^(a+)+$' },
      list: { type: 'array', items: { type: 'string' } },
      other: { type: 'integer' },
    },
  } as const;
  const send = await checking(t, { body }, { bodyLimit: 1_000_000 });
  const long = await issuesOf(send, { word: `${'a'.repeat(60)}!`, other: 'x' });
  const keywords = long.map(({ keyword }) => keyword);
  assert.deepEqual(keywords, ['maxLength', 'type']);
  assert.equal((await issuesOf(send, { list: Array(200).fill(1) })).length, 100);
  assert.equal((await issuesOf(send, { list: Array(20_000).fill(1) })).length, 1);
});

test('no expression is tried that a bound elsewhere keeps a text from', async (t) => {
  const slow = '^(a+)+$';
  const text = { type: 'string' } as const;
  // With a text of this length the pattern never returns.
  const word = `${'a'.repeat(60)}!`;
  const bounded: readonly JsonSchema[] = [
    { ...text, allOf: [{ maxLength: 5 }, { pattern: slow }] },
    { ...text, maxLength: 40, pattern: slow },
    { ...text, allOf: [{ pattern: '^a{1,5}$' }, { pattern: slow }] },
  ];
  for (const schema of bounded) {
    const body = {
      type: 'object',
      properties: { other: { type: 'integer' }, word: schema },
      definitions: { slow: { pattern: slow } },
    } as const;
    const send = await checking(t, { body });
    assert.equal((await issuesOf(send, { word }))[0]?.path[0], 'word');
    assert.ok((await issuesOf(send, { other: 'x', word })).length > 0);
  }
  const names = { type: 'object', propertyNames: { maxLength: 5 }, patternProperties: { [slow]: {} } };
  const send = await checking(t, { body: { type: 'object', properties: { o: { type: 'integer' }, names } } });
  assert.equal((await issuesOf(send, { o: 'x', names: { [word]: 1 } })).length, 1);
});

test('a list beyond maxItems is refused as that, and slow expressions end the search for more', async (t) => {
  // This pattern takes long enough for a text of this length that a thousand texts take minutes.
  const item = { type: 'string', maxLength: 24, pattern: '^(a+)+$' } as const;
  const body = {
    type: 'object',
    properties: {
      few: { type: 'array', maxItems: 2, items: item },
      many: { type: 'array', items: item },
      other: { type: 'integer' },
    },
  } as const;
  const send = await checking(t, { body }, { bodyLimit: 1_000_000 });
  const list = Array<string>(5000).fill(`${'a'.repeat(22)}!`);
  const refused = await issuesOf(send, { few: list, other: 'x' });
  assert.deepEqual([refused.length, refused[0]!.keyword], [1, 'maxItems']);
  const told = await issuesOf(send, { many: list, other: 'x' });
  assert.ok(told.some(({ keyword }) => keyword === 'pattern') && told.some(({ path }) => path[0] === 'other'));
});

test('a schema with combinations tells all where it has no expressions, and one with expressions where it has no combinations', async (t) => {
  const two = { a: 'x', b: 7 };
  const plain = { type: 'object', properties: { a: { anyOf: [{ type: 'null' }] }, b: { type: 'string' } } };
  assert.ok((await issuesOf(await checking(t, { body: plain }), two)).some(({ path }) => path[0] === 'b'));
  const id = { type: 'string', format: 'uuid' };
  const referred = {
    type: 'object',
    properties: { a: { $ref: '#/definitions/id' }, b: { $ref: '#/definitions/id' } },
    definitions: { id },
  };
  const issues = await issuesOf(await checking(t, { body: referred }), two);
  assert.deepEqual(
    issues.map(({ path }) => path[0]),
    ['a', 'b'],
  );
});
