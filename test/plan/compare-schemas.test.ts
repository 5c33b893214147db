import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareSchemas, type Direction } from '../../dist/plan/compare-schemas.js';
import { RULES } from '../../dist/plan/rules.js';
import type { JsonSchema } from '../../dist/plan/state.js';
import { namedValue } from '../../dist/plan/value-path.js';

type Row = readonly [direction: Direction, before: JsonSchema, after: JsonSchema, rule: string, text: string];

const object = (properties: object, more: object = {}): JsonSchema => ({ type: 'object', properties, ...more });
const A = { a: { type: 'string' } };

/** A row for each rule of a schema, and for the keywords that share one. */
const ROWS: readonly Row[] = [
  ['request', object({}), object(A, { required: ['a'] }), 'request-member-required-added', 'x.a is new and required'],
  ['request', object({}), object(A), 'request-member-added', 'x.a is new'],
  ['request', object({}), object({ a: { default: 1 } }, { required: ['a'] }), 'request-member-added', 'x.a is new'],
  ['request', object(A), object(A, { required: ['a'] }), 'request-member-became-required', 'x.a is required now'],
  ['request', object(A, { required: ['a'] }), object(A), 'request-member-became-optional', 'x.a is optional now'],
  ['request', object(A), object({}), 'request-member-removed', 'x.a is no longer known'],
  [
    'request',
    object(A, { additionalProperties: false }),
    object({}, { additionalProperties: false }),
    'request-member-refused',
    'x.a is refused now',
  ],
  ['request', { type: 'number' }, { type: 'integer' }, 'request-type-narrower', 'x is integer, and was number'],
  ['request', { type: 'integer' }, { type: 'number' }, 'request-type-wider', 'x is number, and was integer'],
  [
    'request',
    { type: ['string', 'null'] },
    { type: 'string' },
    'request-type-narrower',
    'x is string, and was null or string',
  ],
  ['request', {}, { type: 'string' }, 'request-type-narrower', 'x is string, and was of any type'],
  ['request', { type: 'string' }, true, 'request-type-wider', 'x is of any type, and was string'],
  ['request', { type: 'string' }, { type: 'boolean' }, 'request-type-narrower', 'x is boolean, and was string'],
  ['request', { enum: ['a', 'b'] }, { enum: ['a'] }, 'request-values-narrower', 'x can no longer be "b"'],
  ['request', { enum: ['a'] }, { enum: ['a', 'b', 'c'] }, 'request-values-wider', 'x can also be "b", "c"'],
  ['request', {}, { enum: ['a', 'b'] }, 'request-values-narrower', 'x must be one of "a", "b"'],
  ['request', { const: 1 }, {}, 'request-values-wider', 'x may have any value, and was 1'],
  ['request', { const: 1 }, { enum: [1, 2] }, 'request-values-wider', 'x can also be 2'],
  ['request', { maxLength: 9 }, { maxLength: 8 }, 'request-bound-narrower', 'x: maxLength 9 -> 8'],
  ['request', { maxLength: 8 }, { maxLength: 9 }, 'request-bound-wider', 'x: maxLength 8 -> 9'],
  ['request', {}, { maximum: 9 }, 'request-bound-narrower', 'x: maximum none -> 9'],
  ['request', { exclusiveMaximum: 9 }, {}, 'request-bound-wider', 'x: exclusiveMaximum 9 -> none'],
  ['request', { minimum: 1 }, { minimum: 2 }, 'request-bound-narrower', 'x: minimum 1 -> 2'],
  ['request', { exclusiveMinimum: 2 }, { exclusiveMinimum: 1 }, 'request-bound-wider', 'x: exclusiveMinimum 2 -> 1'],
  ['request', {}, { minLength: 1 }, 'request-bound-narrower', 'x: minLength none -> 1'],
  ['request', { maxItems: 3 }, { maxItems: 2 }, 'request-bound-narrower', 'x: maxItems 3 -> 2'],
  ['request', { minItems: 3 }, { minItems: 2 }, 'request-bound-wider', 'x: minItems 3 -> 2'],
  ['request', {}, { maxProperties: 2 }, 'request-bound-narrower', 'x: maxProperties none -> 2'],
  ['request', {}, { minProperties: 2 }, 'request-bound-narrower', 'x: minProperties none -> 2'],
  ['request', {}, { pattern: '^a' }, 'request-bound-narrower', 'x has the pattern "^a"'],
  ['request', { format: 'email' }, {}, 'request-bound-wider', 'x has no format any more'],
  ['request', { pattern: '^a' }, { pattern: '^b' }, 'request-form-changed', 'x: pattern "^a" -> "^b"'],
  ['request', { multipleOf: 2 }, { multipleOf: 3 }, 'request-form-changed', 'x: multipleOf 2 -> 3'],
  ['request', {}, { uniqueItems: true }, 'request-bound-narrower', 'x has the uniqueItems true'],
  ['request', { default: 1 }, { default: 2 }, 'request-default-changed', 'x: default 1 -> 2'],
  [
    'request',
    object({}),
    object({}, { additionalProperties: false }),
    'request-bound-narrower',
    'x has no other members any more',
  ],
  [
    'request',
    object({}, { additionalProperties: false }),
    object({}),
    'request-bound-wider',
    'x may have other members',
  ],
  [
    'request',
    object({}, { additionalProperties: { type: 'string' } }),
    object({}, { additionalProperties: { type: 'integer' } }),
    'request-type-narrower',
    'x.* is integer, and was string',
  ],
  [
    'request',
    { patternProperties: { '^x': {} }, additionalProperties: false },
    { additionalProperties: false },
    'request-bound-narrower',
    'x.^x is removed',
  ],
  ['request', {}, { patternProperties: { '^x': { type: 'string' } } }, 'request-bound-narrower', 'x.^x is new'],
  [
    'request',
    { patternProperties: { '^x': { type: 'string' } } },
    { patternProperties: { '^x': {} } },
    'request-type-wider',
    'x.^x is of any type, and was string',
  ],
  [
    'request',
    { anyOf: [{ type: 'string' }, { type: 'integer' }] },
    { anyOf: [{ type: 'string' }] },
    'request-choice-narrower',
    'x has 1 fewer alternatives',
  ],
  [
    'request',
    { oneOf: [{ type: 'string' }] },
    { oneOf: [{ type: 'string' }, { type: 'null' }] },
    'request-choice-wider',
    'x has 1 more alternatives',
  ],
  [
    'request',
    { anyOf: [{ type: 'string', maxLength: 2 }, { type: 'null' }] },
    { anyOf: [{ type: 'string', maxLength: 1 }, { type: 'null' }] },
    'request-bound-narrower',
    'x: maxLength 2 -> 1',
  ],
  [
    'request',
    { items: { type: 'string' } },
    { items: { type: 'string', minLength: 1 } },
    'request-bound-narrower',
    'x[]: minLength none -> 1',
  ],
  [
    'request',
    { prefixItems: [{ type: 'string' }] },
    { prefixItems: [{ type: 'integer' }] },
    'request-type-narrower',
    'x[0] is integer, and was string',
  ],
  [
    'request',
    { allOf: [object(A)] },
    object(A, { required: ['a'] }),
    'request-member-became-required',
    'x.a is required now',
  ],
  [
    'request',
    object({ a: object(A) }),
    object({ a: object({ a: { type: 'null' } }) }),
    'request-type-narrower',
    'x.a.a is null, and was string',
  ],

  ['response', object(A), object({}), 'response-member-removed', 'x.a is removed'],
  ['response', object({}), object(A), 'response-member-added', 'x.a is new'],
  ['response', object(A, { required: ['a'] }), object(A), 'response-member-became-optional', 'x.a is optional now'],
  ['response', object(A), object(A, { required: ['a'] }), 'response-member-became-required', 'x.a is always there now'],
  [
    'response',
    { type: 'string' },
    { type: ['string', 'null'] },
    'response-type-wider',
    'x is null or string, and was string',
  ],
  ['response', { type: 'number' }, { type: 'integer' }, 'response-type-narrower', 'x is integer, and was number'],
  ['response', { type: 'string' }, { type: 'integer' }, 'response-type-wider', 'x is integer, and was string'],
  ['response', { enum: ['a'] }, { enum: ['a', 'b'] }, 'response-values-wider', 'x can also be "b"'],
  ['response', { enum: ['a', 'b'] }, { enum: ['a'] }, 'response-values-narrower', 'x can no longer be "b"'],
  ['response', { maximum: 1 }, { maximum: 2 }, 'response-bound-wider', 'x: maximum 1 -> 2'],
  ['response', { maximum: 2 }, { maximum: 1 }, 'response-bound-narrower', 'x: maximum 2 -> 1'],
  ['response', { format: 'date' }, { format: 'date-time' }, 'response-form-changed', 'x: format "date" -> "date-time"'],
  [
    'response',
    { anyOf: [{ type: 'string' }] },
    { anyOf: [{ type: 'string' }, { type: 'null' }] },
    'response-choice-wider',
    'x has 1 more alternatives',
  ],
  [
    'response',
    { anyOf: [{ type: 'string' }, { type: 'null' }] },
    { anyOf: [{ type: 'string' }] },
    'response-choice-narrower',
    'x has 1 fewer alternatives',
  ],
];

for (const [direction, before, after, rule, text] of ROWS) {
  test(`${direction}: ${JSON.stringify(before)} -> ${JSON.stringify(after)} is ${rule}`, () => {
    const found = compareSchemas(before, after, direction, namedValue('x'));
    assert.deepEqual(
      found.map((each) => [each.rule, each.text]),
      [[rule, text]],
    );
  });
}

test('each rule for schemas has a row', () => {
  const rules = Object.keys(RULES).filter((name) => /^(?:request|response)-(?!status|header)/.test(name));
  const tested = new Set(ROWS.map(([, , , rule]) => rule));
  const others = ['response-type-removed', 'response-type-added'];
  const untested = rules.filter((rule) => !tested.has(rule) && !others.includes(rule));
  assert.deepEqual(untested, []);
});

test('what does not matter to clients is no difference', () => {
  for (const direction of ['request', 'response'] as const) {
    const before = object(A, { required: ['a', 'b'], description: 'old', examples: [1] });
    const after = object(A, { required: ['b', 'a'], title: 'new' });
    assert.deepEqual(compareSchemas(before, after, direction, namedValue('x')), []);
    assert.deepEqual(compareSchemas({}, true, direction, namedValue('x')), []);
    assert.deepEqual(compareSchemas({ minLength: 0 }, {}, direction, namedValue('x')), []);
    assert.deepEqual(
      compareSchemas(
        { anyOf: [1, 2].map((n) => ({ const: n })) },
        { anyOf: [2, 1].map((n) => ({ const: n })) },
        direction,
        namedValue('x'),
      ),
      [],
    );
  }
});
