/** Tests the references in the OpenAPI documents of actions with schemas. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toStandardJsonSchema } from '@valibot/to-json-schema';
import { Router } from 'portico/routing';
import * as v from 'valibot';
import { z } from 'zod';
import { openApiDocument } from '#internal/routing';
import { documentOf, type Json, to } from './document-of.js';
import { keepingLogger } from './served-router.js';

const text = { type: 'string' };

test('RT-202 a Zod schema that refers to itself is a component, in and out', async () => {
  const folder = z.object({
    name: z.string(),
    get children() {
      return z.array(folder);
    },
  });
  const { components, body } = await documentOf({ create: { body: folder, response: { 200: folder } } });
  const names = Object.keys(components);
  assert.equal(names.length, 1);
  assert.deepEqual(body('create'), to(names[0]!));
  for (const [name, { properties }] of Object.entries(components)) {
    assert.deepEqual(properties, { name: text, children: { type: 'array', items: to(name) } });
  }
});

test('RT-202 definitions of a query, of a Valibot schema, and of several versions', async () => {
  interface Folder {
    readonly children: readonly Folder[];
  }
  const folder: v.GenericSchema<Folder> = v.object({ children: v.array(v.lazy(() => folder)) });
  const sort = z.enum(['name', 'size']).meta({ id: 'Sort' });
  const { components, operation } = await documentOf({
    find: { query: z.object({ by: sort, next: sort.optional() }) },
    nest: { body: toStandardJsonSchema(folder) },
    old: { versions: ['2.1'], body: { '2.1': { $defs: { Size: text }, $ref: '#/$defs/Size' } } },
  });
  const { parameters } = operation('find') as { parameters: { name: string; schema: object }[] };
  assert.deepEqual(
    parameters.map(({ name, schema }) => [name, schema]),
    [
      ['by', to('Sort')],
      ['next', to('Sort')],
    ],
  );
  assert.deepEqual(Object.keys(components).toSorted(), ['0', 'Size', 'Sort']);
  assert.deepEqual((operation('old')['x-versions'] as Json[])[0]!.body, to('Size'));
});

test('RT-202 a variable of a number type is an integer in the document, others have the pattern of their requirement', () => {
  const router = new Router({ log: keepingLogger() });
  router.get('/a/{id:int}', () => null);
  router.get('/b/{id:int32}', () => null);
  router.get('/c/{id:uuid}', () => null);
  router.get('/d/{id:[a-z]+}', () => null);
  router.get('/e/{id}', () => null);
  router.get('/f/{id:-?[0-9]{1,15\\}}', () => null);
  const { paths } = openApiDocument(router, { title: 'x' });
  const schemas = Object.values(paths as Record<string, { get: { parameters: { schema: Json }[] } }>).map(
    ({ get }) => get.parameters[0]!.schema,
  );
  const most = 999_999_999_999_999;
  assert.deepEqual(schemas[0], { type: 'integer', minimum: -most, maximum: most });
  assert.deepEqual(schemas[1], { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 });
  assert.equal(schemas[2]!.format, 'uuid');
  assert.match(String(schemas[2]!.pattern), /^\^\(\?:\[0-9a-fA-F\]\{8\}/);
  assert.deepEqual(schemas[3], { type: 'string', pattern: '^(?:[a-z]+)$' });
  assert.deepEqual(schemas[4], { type: 'string' });
  assert.deepEqual(schemas[5], { type: 'string', pattern: '^(?:-?[0-9]{1,15})$' });
});
