import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPlainSchema } from '../../../dist/routing/actions/plain-schema.js';

const require = createRequire(import.meta.url);
const { Ajv } = require('ajv') as typeof import('ajv');
const { Ajv2020 } = require('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
const OPTIONS = { strict: true, strictRequired: false, strictTypes: false, strictTuples: false, allowUnionTypes: true };

const compilers = [Ajv, Ajv2020].flatMap((Validator) =>
  [{ coerceTypes: true }, { verbose: true }].map((more) => new Validator({ ...OPTIONS, ...more, logger: false })),
);

/** Values of keywords. A value that belongs to another keyword is a likely error. */
const value = fc.oneof(
  fc.constantFrom<unknown>('string', 'integer', 'null', 'wrong', '^a+$', '(', '\\-', true, false, 0, 1, -1, 1.5, null),
  fc.constantFrom<unknown>([], ['string', 'null'], ['a', 'a'], [1, 'b'], {}, { a: 1 }),
  fc.constantFrom<unknown>({ '(': true }, { '^a': { type: 'string' } }, { a: true }, [true], [{ minLength: 1 }]),
);
const KEYWORDS = [
  ['type', 'enum', 'const', 'minLength', 'pattern', 'format', 'minimum', 'multipleOf', 'items', 'minItems'],
  ['uniqueItems', 'properties', 'patternProperties', 'additionalProperties', 'required', 'maxProperties', 'allOf'],
  ['anyOf', 'oneOf', 'not', 'title', 'writeOnly', 'default', 'nullable', '$ref', '$id', 'if', 'then', 'contains'],
  ['additionalItems', 'prefixItems', 'propertyNames', 'dependencies', 'unknown', 'constructor', '__proto__'],
];
const keyword = fc.constantFrom(...KEYWORDS.flat());
const { schema } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc
    .dictionary(
      keyword,
      fc.oneof({ depthSize: 'small', withCrossShrink: true }, value, tie('schema'), withinOne(tie('schema'))),
    )
    .map((schema) => ({ ...schema })),
}));

function withinOne(inner: fc.Arbitrary<object>): fc.Arbitrary<unknown> {
  return fc.oneof(
    inner.map((one) => [one]),
    inner.map((one) => ({ a: one })),
  );
}

test('RT-180 a schema that is compiled later is one that compiles, in each draft', () => {
  let plain = 0;
  fc.assert(
    fc.property(schema, (schema) => {
      if (!isPlainSchema(schema)) return;
      plain += 1;
      for (const ajv of compilers) {
        assert.equal(ajv.validateSchema(schema), true, JSON.stringify(schema));
        ajv.compile(schema);
        ajv.removeSchema(schema);
      }
    }),
    { numRuns: 1000, seed: 1_794 },
  );
  assert.ok(plain > 25, `only ${plain} of them were plain`);
});

test('RT-180 what is no error, and what may be one', () => {
  const name = { type: 'string', minLength: 1, maxLength: 255, pattern: '^(?! )[a-z]+$' };
  const server = { type: 'object', properties: { name }, required: ['name'], additionalProperties: false };
  const plain = [
    {},
    name,
    server,
    { anyOf: [server, { type: 'null' }] },
    { type: ['string', 'null'] },
    { items: true },
  ];
  for (const schema of plain) assert.equal(isPlainSchema(schema), true, JSON.stringify(schema));
  const others: unknown[] = [true, null, undefined, [], 'string', { type: undefined }, { type: 'strin' }];
  const within = [
    { pattern: '(' },
    { format: 'nope' },
    { $ref: '#/x' },
    { minLength: -1 },
    { enum: [] },
    { typ: 'string' },
    { default: 1 },
  ];
  others.push(
    ...within,
    ...within.map((a) => ({ properties: { a } })),
    ...within.map((a) => ({ allOf: [{ items: a }] })),
  );
  for (const schema of others) assert.equal(isPlainSchema(schema), false, JSON.stringify(schema));
});
