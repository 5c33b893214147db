/** Keywords of JSON Schema whose cost depends on the value, with values that make the most of it. */

import { ArgumentChecks } from '../../dist/extras/rpc/server/arguments.js';
import { SchemaCompiler } from '../../dist/routing/actions/schema-compiler.js';
import { parseJsonBody } from '../../dist/routing/serving/request-body.js';
import type { ParserRow } from './parser-time.js';

type JsonSchema = Readonly<Record<string, unknown>>;

/** Writes the part at an index, as JSON. */
type Part = (index: number) => string;

const listOf =
  (part: Part) =>
  (length: number): string =>
    `[${Array.from({ length }, (_, index) => part(index)).join(',')}]`;
const objectOf =
  (part: Part) =>
  (length: number): string =>
    `{${Array.from({ length }, (_, index) => part(index)).join(',')}}`;
const textOf =
  (unit: string, end = '') =>
  (length: number): string =>
    JSON.stringify(unit.repeat(length) + end);
/** Nested `length` times. */
const nested =
  (start: string, end: string, within = '[]') =>
  (length: number): string =>
    start.repeat(length) + within + end.repeat(length);

/** The bits of an index, as two values that many comparisons take for equal. */
const bits =
  (zero: string, one: string): Part =>
  (index) =>
    `[${Array.from(index.toString(2).padStart(12, '0'), (bit) => (bit === '0' ? zero : one)).join(',')}]`;

/** Items for lists whose items must differ. None are equal, so that all are compared. */
const ITEMS: Readonly<Record<string, Part>> = {
  numbers: String,
  fractions: (index) => `${index}.5e-300`,
  'numbers whose low bits are equal': (index) => String(index * 2 ** 32),
  'texts of digits': (index) => `"${index * 1024}"`,
  texts: (index) => `"name ${index}"`,
  'long texts that begin alike': (index) => `"${'x'.repeat(100)}${index}"`,
  'lists of overflowing numbers': bits('null', '2e308'),
  'lists of overflowing numbers of both signs': bits('-2e308', '2e308'),
  'lists of zeros and texts': bits('0', '"0"'),
  'empty lists and objects': bits('[]', '{}'),
  'objects with other values': (index) => `{"a":1,"b":${index}}`,
  'objects with other names': (index) => `{"a":1,"n${index}":1}`,
  'objects with names of methods': (index) => `{"toString":1,"toJSON":${index},"length":0,"constructor":${index}}`,
  'lists of objects': (index) => `[{"a":[{"b":${index}}]}]`,
};

/** Ajv compares items of known types in another way than others. */
const TYPED: readonly (JsonSchema | undefined)[] = [
  undefined,
  { type: ['string', 'number', 'object', 'array', 'null'] },
];

function uniqueRows(): ParserRow[] {
  return Object.entries(ITEMS).flatMap(([name, item]) =>
    TYPED.map((items) =>
      row(
        `AT-1 uniqueItems of ${name}${items === undefined ? '' : `, for items of ${String(items.type)}`}`,
        { type: 'array', uniqueItems: true, ...(items !== undefined && { items }) },
        listOf(item),
      ),
    ),
  );
}

const TREE: JsonSchema = { type: 'array', items: { $ref: '#' } };
const WIDE = { a: 1, b: [2, { c: 3 }], d: { e: { f: 4 } } };

/** A schema, and what makes it compare, search or descend most. */
const KEYWORDS: readonly (readonly [name: string, schema: JsonSchema, text: (length: number) => string])[] = [
  ['uniqueItems at each level', { ...TREE, uniqueItems: true }, nested('[0,', ']')],
  ['uniqueItems at each level, beside a list', { ...TREE, uniqueItems: true }, nested('[[],', ']', '[0,1]')],
  ['contains', { contains: { const: 'x' } }, listOf(String)],
  ['contains of objects', { contains: { required: ['z'] } }, listOf((index) => `{"a":${index}}`)],
  ['minContains', { contains: { type: 'integer' }, minContains: 2, maxContains: 3 }, listOf(() => '"a"')],
  ['items', { items: { type: 'string' } }, listOf(String)],
  ['prefixItems', { prefixItems: [{ type: 'integer' }], items: { type: 'string' } }, listOf(String)],
  ['unevaluatedItems', { prefixItems: [true], unevaluatedItems: { type: 'string' } }, listOf(String)],
  ['maxItems', { maxItems: 3, items: { type: 'string' } }, listOf(String)],
  ['minLength of pairs of surrogates', { minLength: 1_000_000 }, textOf('\u{1f600}')],
  ['maxLength of pairs of surrogates', { maxLength: 3 }, textOf('\u{1f600}')],
  ['maxLength of halves of surrogates', { maxLength: 3 }, textOf('\ud83d')],
  ['maxLength beside a pattern', { maxLength: 20, pattern: '^(a+)+$' }, textOf('a', '!')],
  ['maxLength of surrogates beside a pattern', { maxLength: 20, pattern: '^(a+)+$' }, textOf('\u{1f600}', '!')],
  ['pattern', { pattern: '^[a-z]+(-[a-z]+)?$' }, textOf('a-')],
  [
    'patternProperties',
    { patternProperties: { '^x-': { type: 'string' }, z$: false } },
    objectOf((i) => `"x-${i}z":1`),
  ],
  ['propertyNames', { propertyNames: { pattern: '^[a-z]+$', maxLength: 3 } }, objectOf((i) => `"n${i}":1`)],
  ['propertyNames of names of digits', { propertyNames: { minLength: 9 } }, objectOf((i) => `"${i * 1024}":1`)],
  ['additionalProperties', { properties: { a: true }, additionalProperties: false }, objectOf((i) => `"n${i}":1`)],
  ['additionalProperties with a schema', { additionalProperties: { type: 'string' } }, objectOf((i) => `"n${i}":1`)],
  [
    'additionalProperties beside patternProperties',
    { properties: { a: true }, patternProperties: { '^b': true, '^c': true }, additionalProperties: false },
    objectOf((i) => `"n${i}":1`),
  ],
  [
    'unevaluatedProperties',
    { anyOf: [{ properties: { a: true } }], unevaluatedProperties: false },
    objectOf((i) => `"n${i}":1`),
  ],
  ['minProperties', { minProperties: 1_000_000 }, objectOf((i) => `"n${i}":1`)],
  ['maxProperties', { maxProperties: 1, additionalProperties: false }, objectOf((i) => `"n${i}":1`)],
  ['required', { items: { required: ['a', 'b', 'c'] } }, listOf(() => '{}')],
  ['dependentRequired', { items: { dependentRequired: { a: ['b', 'c'] } } }, listOf(() => '{"a":1}')],
  ['dependentSchemas', { items: { dependentSchemas: { a: { required: ['b'] } } } }, listOf(() => '{"a":1}')],
  ['const of an object', { const: WIDE }, objectOf((i) => `"n${i}":1`)],
  ['const of objects', { items: { const: WIDE } }, listOf(() => JSON.stringify({ ...WIDE, d: { e: { f: 5 } } }))],
  ['const of a nested list', { const: [[[[]]]] }, nested('[', ']')],
  ['enum of objects', { items: { enum: [WIDE, { ...WIDE, a: 2 }, [WIDE]] } }, listOf(() => '{"a":1,"b":[],"d":0}')],
  ['enum of texts', { items: { enum: ['a', 'b'] } }, listOf((i) => `"${'c'.repeat(50)}${i}"`)],
  ['oneOf', { items: { oneOf: [{ type: 'string' }, { type: 'number' }, { minimum: 0 }] } }, listOf(String)],
  ['anyOf', { items: { anyOf: [{ type: 'string' }, { required: ['a'] }, { maxLength: 3 }] } }, listOf(String)],
  [
    'allOf',
    { items: { allOf: [{ type: 'string' }, { $ref: '#/$defs/a' }] }, $defs: { a: { minimum: 1e9 } } },
    listOf(String),
  ],
  ['not', { items: { not: { type: 'integer' } } }, listOf(String)],
  ['if', { items: { if: { type: 'string' }, else: { minimum: 1e9 } } }, listOf(String)],
  ['multipleOf', { items: { multipleOf: 0.01 } }, listOf((i) => `${i}.015`)],
  ['multipleOf of overflowing numbers', { items: { multipleOf: 3 } }, listOf(() => '1e999')],
  ['format', { items: { format: 'date-time' } }, listOf((i) => `"2026-02-30T00:00:${i}Z"`)],
  ['a recursive schema', TREE, nested('[', ']')],
  ['a recursive schema of objects', { type: 'object', properties: { a: { $ref: '#' } } }, nested('{"a":', '}', '1')],
  [
    'a recursive schema that refuses each level',
    { maxProperties: 9, required: ['b'], properties: { a: { $ref: '#' } } },
    nested('{"a":', '}', '1'),
  ],
  [
    'a recursive schema of named kinds',
    { anyOf: [{ type: 'null' }, { type: 'array', items: { $ref: '#' } }, { type: 'string', maxLength: 9 }] },
    nested('[', ']', '"too long a text"'),
  ],
  ['names that a schema refers to', { items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'string' } } }, listOf(String)],
  ['an untyped list in a list', { items: { items: { type: 'string' } } }, listOf(() => '[1]')],
];

function row(name: string, schema: JsonSchema, text: (length: number) => string): ParserRow {
  const check = new SchemaCompiler({ schemaDraft: '2020-12' }).check(schema, 'body');
  return { name, length: 100, textOf: text, parse: (body) => check(parseJsonBody(null, Buffer.from(body))) };
}

/** Arguments of remote calls have the same checks; their errors also show the value. */
function argumentRows(): ParserRow[] {
  const ofArguments = (name: string, schema: JsonSchema, text: (length: number) => string): ParserRow => {
    const check = new ArgumentChecks().check('A.b', { properties: { a: schema } });
    const parse = (body: string): void => check({ a: parseJsonBody(null, Buffer.from(body)) });
    return { name: `${name} of an argument`, length: 100, textOf: text, parse };
  };
  return [
    ofArguments('uniqueItems', { uniqueItems: true }, listOf(bits('null', '2e308'))),
    ofArguments(
      'names',
      { additionalProperties: false },
      objectOf((i) => `"n${i}":1`),
    ),
    ofArguments('type', { type: 'string' }, nested('[', ']')),
  ];
}

/** The rows for `slowTextOf`. */
export function schemaRows(): ParserRow[] {
  return [...uniqueRows(), ...KEYWORDS.map((each) => row(...each)), ...argumentRows()];
}
