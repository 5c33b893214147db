/** Tests the errors for wrong schemas: the path to the error, the value there, and the nearest valid name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { action, type JsonSchema, Router, type RouterPlugin } from 'portico/routing';
import { z } from 'zod';
import { openApiDocument, RouteTableError } from '#internal/routing';

const CASES: readonly (readonly [schema: unknown, message: string, hint?: string])[] = [
  [
    { type: 'strng' },
    'type is the text "strng", and must be one of array, boolean, integer, null, number, object, string',
    'Did you mean "string"?',
  ],
  [
    { type: 'object', properties: { a: { type: 'array', items: { type: 'interger' } } } },
    'properties.a.items.type is the text "interger", and must be one of array, boolean, integer, null, number, object, string',
    'Did you mean "integer"?',
  ],
  [
    { type: ['string', 'nul'] },
    'type.1 is the text "nul", and must be one of array, boolean, integer, null, number, object, string',
    'Did you mean "null"?',
  ],
  [{ type: String }, 'type is a function, and must be one of array, boolean, integer, null, number, object, string'],
  [
    { properties: { a: { propertes: {} } } },
    'properties.a: there is no keyword "propertes"',
    'Did you mean "properties"?',
  ],
  [
    { properties: { minimun: { default: { minimun: 1 } } }, items: { minimun: 1 } },
    'items: there is no keyword "minimun"',
    'Did you mean "minimum"?',
  ],
  [
    { additionalproperties: false },
    'there is no keyword "additionalproperties"',
    'Did you mean "additionalProperties"?',
  ],
  [{ quite: 1 }, 'there is no keyword "quite"'],
  [
    { properties: { a: { type: 'string', minLenght: 1 } }, requierd: ['a'], quite: 1 },
    'there is no keyword "requierd"; there is no keyword "quite"; properties.a: there is no keyword "minLenght"',
    'Write "required" for "requierd", "minLength" for "minLenght".',
  ],
  [{ required: 'name' }, 'required is the text "name", and must be array'],
  [{ properties: { 'a/b': 'string' } }, 'properties.a/b is the text "string", and must be object or boolean'],
  [{ maxLength: -1 }, 'maxLength is the number -1, and must be >= 0'],
  ['string', 'it is the text "string", and must be object or boolean'],
  [null, 'it is null, and must be object or boolean'],
  [
    { properties: { at: { type: 'string', format: 'datetime' } } },
    'properties.at.format is the text "datetime", which is not a known format',
    'Did you mean "date-time"?',
  ],
  [
    { format: 'colour' },
    'format is the text "colour", which is not a known format',
    'Formats: date-time, date, time, duration, uuid, uri, uri-reference, uri-template, email, hostname, ipv4, ipv6, regex, json-pointer, relative-json-pointer, cidr, base64.',
  ],
];

test('RT-180 a schema that is wrong is refused by build, with route, place, value and the nearest name', async () => {
  for (const [schema, message, hint] of CASES) {
    const written = schema as JsonSchema;
    // Response formats are not checked, so any name is allowed.
    const isFormat = message.endsWith('not a known format');
    const isWord = typeof written === 'string';
    const options = {
      ...(!isWord && { body: written }),
      query: written,
      ...(!isFormat && { 'response of 200': { 200: written } }),
    };
    for (const [what, given] of Object.entries(options)) {
      const [name = '', of = ''] = what.split(/(?= of )/);
      const router = new Router();
      const check = action({ [name]: given }, () => 'ok');
      router.connect('/things', { controller: { check }, action: 'check' });
      await assert.rejects(router.build(), (error) => {
        assert.ok(error instanceof RouteTableError);
        const [{ code, location, message: said, hint: advice } = assert.fail()] = error.diagnostics;
        assert.equal(code, 'PORTICO_ROUTE_SCHEMA');
        assert.match(location?.detail ?? '', /schema-error\.test\.js:\d+:\d+$/);
        assert.equal(
          said,
          `the route "/things": controller.check: the ${name} schema${of} does not compile: ${message}`,
        );
        assert.equal(advice, hint);
        return true;
      });
    }
  }
});

test("RT-159 the keywords of a response schema may be an application's own, a library's or another compiler's", async () => {
  const unit = { type: 'object', properties: { weight: { type: 'number', 'x-unit': { type: 'kg' } } } };
  const declared = { ajv: { customOptions: { keywords: ['x-unit'] } } };
  const lax = { ajv: { customOptions: { strict: false } } };
  const own = { schemaController: { compilersFactory: { buildSerializer: () => () => String } } };
  const noted = z.object({ weight: z.number().meta({ 'x-unit': 'kg' }) });
  const cases = [
    [unit, declared],
    [unit, lax],
    [unit, own],
    [noted, {}],
    [{ $ref: 'unit#' }, {}],
    [{ type: 'object', properties: { weight: { unit: 'kg' } } }, {}],
  ] as const;
  const shared: RouterPlugin = async (fastify) => void fastify.addSchema({ $id: 'unit', ...unit });
  for (const [schema, fastify] of cases) {
    const router = new Router({ fastify: fastify as object, plugins: [shared] });
    router.get('/', { response: { 200: schema } }, () => ({ weight: 1 }));
    await (await router.build()).close();
  }
});

test('RT-159 a response schema may be of any draft: its compiler reads all in the same way', async () => {
  const pair = { type: 'array', items: [{ type: 'integer' }, { type: 'string' }] };
  const schemas = [
    { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object', unevaluatedProperties: false },
    { $schema: 'http://json-schema.org/draft-04/schema#', type: 'object', dependentRequired: { a: ['b'] } },
    { type: 'object', properties: { pair, more: { prefixItems: [{}], type: 'array' } }, description: undefined },
    { type: 'object', properties: { 'x-unit': { 'x-unit': 'kg' } }, definitions: { q: { $id: '#q', type: 'string' } } },
  ];
  for (const schemaDraft of ['draft-07', '2020-12'] as const) {
    const router = new Router({ schemaDraft });
    for (const [location, schema] of schemas.entries())
      router.get(`/${location}`, { response: { 200: schema } }, () => ({}));
    await (await router.build()).close();
  }
  const router = new Router({ plugins: [async () => undefined] });
  router.get('/', { response: { 200: { type: 'object', propertes: {} } } }, () => ({}));
  await assert.rejects(router.build(), /there is no keyword "propertes"/);
});

test('RT-159 with plugins, a name that has a keyword as one of its words is an annotation, not a misspelt keyword', async () => {
  const withKeyword = (keyword: string): Router => {
    const router = new Router({ plugins: [async () => undefined] });
    return router.get(
      '/',
      { response: { 200: { type: 'object', properties: { a: { [keyword]: 'x' } } } } },
      () => ({}),
    );
  };
  for (const keyword of ['tsType', 'typeTs', 'isConst', 'x-type', 'tsEnumNames', 'enumNames', 'markdownDescription']) {
    await (await withKeyword(keyword).build()).close();
  }
  for (const keyword of ['tyype', 'Type', 'aditionalProperties', 'minLenght']) {
    await assert.rejects(withKeyword(keyword).build(), new RegExp(`there is no keyword "${keyword}"`), keyword);
  }
});

test('RT-159 a schema may have the keywords that OpenAPI adds, also where the application declares one of them', async () => {
  const schema = {
    type: 'object',
    properties: { title: { type: 'string', example: 'Emma', externalDocs: { url: 'https://example.org' }, xml: {} } },
  } as const;
  for (const fastify of [{}, { ajv: { customOptions: { keywords: ['example'] } } }]) {
    const router = new Router({ fastify });
    router.post('/books', { body: schema, response: { 200: schema } }, ({ body }) => body);
    const app = await router.build();
    assert.match(JSON.stringify(openApiDocument(router, { title: 'books' })), /"example":"Emma"/);
    await app.close();
  }
});
