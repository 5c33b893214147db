import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Type as OldType } from '@sinclair/typebox';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { type } from 'arktype';
import { action, Router, type Schema } from 'portico/routing';
import { Type } from 'typebox';
import * as v from 'valibot';
import { z } from 'zod';
import { openApiDocument, RouteTableError } from '#internal/routing';
import { type Answer, keepingLogger, type Send, serveRouter } from '../served-router.js';

const message = ({ json }: Answer): string => (json as { error: { message: string } }).error.message;
const post = (send: Send, body: unknown): Promise<Answer> => send('POST', '/', { body: JSON.stringify(body) });

/** Returns a router whose POST / responds with the action's body, and whose GET / with its query. */
function echoing({ body, query = z.object({}) }: { body?: Schema; query?: Schema }): Router {
  const controller = {
    post: action({ ...(body !== undefined && { body }) }, (request) => ({ body: request.body })),
    get: action({ query }, (request) => ({ query: request.query })),
  };
  return new Router({ log: keepingLogger() })
    .connect('/', { controller, action: 'post', conditions: { method: ['POST'] } })
    .connect('/', { controller, action: 'get', conditions: { method: ['GET'] } });
}

/** Returns the JSON schema in the document for a part of an operation of `/`. */
function documented(router: Router, ...steps: readonly string[]): Readonly<Record<string, unknown>> {
  return ['paths', '/', ...steps, 'content', 'application/json', 'schema'].reduce<Readonly<Record<string, unknown>>>(
    (inner, step) => inner[step] as Readonly<Record<string, unknown>>,
    openApiDocument(router, { title: 'x' }),
  );
}

/** `{ server: { name, size } }`: a name of at most 3 characters, and a size whose default is 1. */
const SERVERS: Readonly<Record<string, Schema>> = {
  zod: z.object({ server: z.object({ name: z.string().max(3), size: z.number().default(1) }) }),
  valibot: toStandardJsonSchema(
    v.object({ server: v.object({ name: v.pipe(v.string(), v.maxLength(3)), size: v.optional(v.number(), 1) }) }),
  ),
  arktype: type({ server: { name: 'string <= 3', size: 'number = 1' } }),
};

/** The JSON schema of the size, for each library. ArkType's has no default. */
const SIZES: Readonly<Record<string, unknown>> = {
  zod: { type: 'number', default: 1 },
  valibot: { type: 'number', default: 1 },
  arktype: { type: 'number' },
};

for (const [name, body] of Object.entries(SERVERS)) {
  test(`RT-180 a body is checked by a schema of ${name}, and the action gets its output`, async (t) => {
    const send = await serveRouter(t, echoing({ body }));
    assert.deepEqual((await post(send, { server: { name: 'a' } })).json, { body: { server: { name: 'a', size: 1 } } });
    assert.match(message(await send('POST', '/')), /needs a body/);
  });

  test(`RT-182 what a schema of ${name} refuses is reported as what a JSON Schema refuses`, async (t) => {
    const send = await serveRouter(t, echoing({ body }));
    const refused = await post(send, { server: { name: 'long' } });
    assert.equal(refused.status, 400);
    assert.match(message(refused), /^Invalid input for server\.name: (?!.*long).*3.*\.$/);
    assert.match(message(await post(send, 7)), /^Invalid input for the body: .+\.$/);
  });

  test(`RT-202 the document has the JSON Schema of ${name}: of a body what a client sends`, async () => {
    const router = echoing({ body });
    await (await router.build()).close();
    assert.deepEqual(documented(router, 'post', 'requestBody'), {
      type: 'object',
      required: ['server'],
      properties: {
        server: {
          type: 'object',
          required: ['name'],
          properties: { name: { type: 'string', maxLength: 3 }, size: SIZES[name] },
        },
      },
    });
  });
}

for (const [name, body] of Object.entries({
  'TypeBox 1': Type.Object({ name: Type.String({ maxLength: 3 }), n: Type.Optional(Type.Integer()) }),
  'TypeBox 0.34': OldType.Object({ name: OldType.String({ maxLength: 3 }), n: OldType.Optional(OldType.Integer()) }),
})) {
  test(`RT-180 a schema of ${name} is JSON Schema`, async (t) => {
    const send = await serveRouter(t, echoing({ body, query: body }));
    assert.deepEqual((await post(send, { name: 'a', n: 1 })).json, { body: { name: 'a', n: 1 } });
    assert.match(message(await post(send, { name: 'long' })), /for name: must NOT have more than 3 characters/);
    assert.deepEqual((await send('GET', '/?name=a&n=2')).json, { query: { name: 'a', n: 2 } });
  });
}

test('RT-181 transformations and coercions of a schema reach the action; a query has texts', async (t) => {
  const body = z.object({ at: z.string().transform((at) => at.length) });
  const query = z.object({ limit: z.coerce.number().max(9).default(5) });
  const send = await serveRouter(t, echoing({ body, query }));
  assert.deepEqual((await post(send, { at: 'abc' })).json, { body: { at: 3 } });
  assert.deepEqual((await send('GET', '/?limit=7')).json, { query: { limit: 7 } });
  assert.deepEqual((await send('GET', '/')).json, { query: { limit: 5 } });
  assert.match(message(await send('GET', '/?limit=10')), /for query parameter limit: (?!.*10).*\.$/);
});

test('RT-184 a repeated key of a query is a list where the JSON Schema of its schema says so, else its last value', async (t) => {
  const query = z.object({ tag: z.array(z.string()).optional(), name: z.string().optional() });
  const send = await serveRouter(t, echoing({ query }));
  assert.deepEqual((await send('GET', '/?tag=a')).json, { query: { tag: ['a'] } });
  assert.deepEqual((await send('GET', '/?tag=a&tag=b&name=x&name=y')).json, { query: { tag: ['a', 'b'], name: 'y' } });
});

test('RT-182 a secret of a body is in no refusal, however long the way to it, and whatever a library writes', async (t) => {
  const any = { type: 'object', additionalProperties: { type: 'number' } } as const;
  const nested = { type: 'object', additionalProperties: any } as const;
  const narrowed = type({ password: 'string' }).narrow((_, context) => context.mustBe('better'));
  const inner = type({ user: narrowed });
  const user = { password: 'hunter"2', name: 'x' };
  const long = 'x'.repeat(250);
  for (const [schema, body] of [
    [any, { [`${long}.password`]: 'hunter"2' }],
    [nested, { [long]: { password: 'hunter"2' } }],
    [nested, { password: { [long]: 'hunter"2' } }],
    [narrowed, user],
    [inner, { user }],
  ] as const) {
    const { status, text } = await post(await serveRouter(t, echoing({ body: schema })), body);
    assert.equal(status, 400);
    assert.doesNotMatch(text, /hunter/);
  }
  const send = await serveRouter(t, echoing({ body: type({ name: 'string <= 3' }) }));
  assert.match(message(await post(send, { name: 'long', password: 'hunter2' })), /must be (?!.*long).*3.*\.$/);
});

test('AT-15 a value nested too deeply for a recursive schema of a library is refused as any other', async (t) => {
  const list: z.ZodType = z.lazy(() => z.array(list));
  const lists: v.GenericSchema = v.lazy(() => v.array(lists));
  const later: Schema = {
    '~standard': { version: 1, vendor: 'x', validate: async (value) => z.parse(list, value) as never },
  };
  const body = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const schema of [list, lists as Schema, later]) {
    const send = await serveRouter(t, echoing({ body: schema }));
    const refused = await send('POST', '/', { body });
    assert.equal(refused.status, 400);
    assert.equal(message(refused), 'Invalid input for the body: must not be nested so deeply.');
  }
});

test('an asynchronous schema is waited for', async (t) => {
  const body = z.object({ name: z.string().refine((name) => Promise.resolve(name !== 'taken'), 'the name is taken') });
  const query = z.object({ n: z.coerce.number().refine((n) => Promise.resolve(n < 3), 'too many') });
  const controller = { both: action({ body, query }, (request) => [request.body.name, request.query.n]) };
  const send = await serveRouter(t, new Router().connect('/', { controller, action: 'both' }));
  const ask = (n: number, name: unknown): Promise<Answer> =>
    send('POST', `/?n=${n}`, { body: JSON.stringify({ name }) });
  assert.deepEqual((await ask(1, 'free')).json, ['free', 1]);
  assert.match(message(await ask(1, 'taken')), /for name: the name is taken\.$/);
  assert.match(message(await ask(3, 7)), /for query parameter n: too many/);
});

test('RT-182 a value under a secret name is not in the response, whatever the library says of it', async (t) => {
  const send = await serveRouter(t, echoing({ body: v.object({ adminPass: v.number() }) }));
  assert.equal(message(await post(send, { adminPass: 'abc' })), 'Invalid input for adminPass: it is not valid.');
});

test('a check that throws is an error of the server', async (t) => {
  const broken = z.object({}).refine(() => {
    throw new Error('the database is gone');
  });
  const send = await serveRouter(t, echoing({ body: broken }));
  assert.equal((await post(send, {})).status, 500);
});

test('RT-159 a response is written by the JSON Schema of its schema: what that does not name is left out', async (t) => {
  const user = z.object({ id: z.string(), size: z.number().default(1) });
  const controller = {
    one: action({ response: { 200: user } }, () => ({ id: 'a', size: 2, password: 'p' })),
    byKey: action({ bodyKey: 'show', response: { 200: user } }, () => ({ id: 'b', size: 3, password: 'p' })),
  };
  const router = new Router()
    .connect('/', { controller, action: 'one', conditions: { method: ['GET'] } })
    .connect('/', { controller, action: 'action', conditions: { method: ['POST'] } });
  const send = await serveRouter(t, router);
  assert.deepEqual((await send('GET', '/')).json, { id: 'a', size: 2 });
  assert.deepEqual((await post(send, { show: null })).json, { id: 'b', size: 3 });
  assert.deepEqual(documented(router, 'get', 'responses', '200').required, ['id', 'size']);
});

test('a response schema that has no JSON Schema is an error of the table', async () => {
  const cases: [schema: Schema, said: RegExp, hint: RegExp][] = [
    [v.object({ id: v.string() }), /this schema of valibot has no Standard JSON Schema/, /toStandardJsonSchema/],
    [z.object({ at: z.date() }), /Date cannot be represented in JSON Schema/, /z\.iso\.datetime\(\) for a date/],
  ];
  for (const [schema, said, hint] of cases) {
    const controller = { one: action({ response: { 200: schema } }, () => null as never) };
    await assert.rejects(new Router().connect('/', { controller, action: 'one' }).build(), (error: unknown) => {
      assert.ok(error instanceof RouteTableError);
      assert.equal(error.diagnostics[0]?.code, 'PORTICO_ROUTE_SCHEMA');
      assert.match(error.message, said);
      assert.match(error.message, /controller\.one: the response schema of 200 has no JSON Schema/);
      assert.match(error.message, hint);
      return true;
    });
  }
});

test('a body whose schema has no JSON Schema is checked, and the document says why it does not show it', async (t) => {
  const body = v.object({ name: v.string() });
  const router = echoing({ body, query: v.object({ n: v.string() }) });
  const send = await serveRouter(t, router);
  assert.equal((await post(send, { name: 7 })).status, 400);
  assert.deepEqual((await send('GET', '/?n=1')).json, { query: { n: '1' } });
  assert.deepEqual(documented(router, 'post', 'requestBody'), {
    description: 'No JSON Schema: this schema of valibot has no Standard JSON Schema.',
  });
});
