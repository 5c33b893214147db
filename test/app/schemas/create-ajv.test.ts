import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { JsonSchema } from 'portico/routing';
import { createAjv, equalPair } from '../../../dist/app/schemas/create-ajv.js';
import { checking, serveRouter } from '../../routing/served-router.js';

const NAMES = ['toString', 'valueOf', 'constructor', 'hasOwnProperty', 'toJSON', 'length'];

test('RT-181 values are compared as JSON, whatever a client names their members', async (t) => {
  const sent = JSON.parse('{"toString":1}') as object;
  const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  const send = await serveRouter(
    t,
    checking(
      { type: 'array', uniqueItems: true },
      { const: { a: [1, { b: null }] } },
      { enum: [{ a: 1 }, 'x', [sent]] },
      { const: JSON.parse(JSON.stringify(sent)) as object },
    ),
  );
  const statusOf = async (path: string, body: string): Promise<number> => (await send('POST', path, { body })).status;
  for (const name of NAMES) {
    for (const value of ['1', '{"a":1}', 'null', '[]']) {
      const one = `{"${name}":${value}}`;
      assert.equal(await statusOf('/0', `[${one},${one}]`), 400, one);
      assert.equal(await statusOf('/0', `[${one},{"${name}":2}]`), 200, one);
      for (const path of ['/1', '/2']) assert.equal(await statusOf(path, one), 400, one);
    }
  }
  const cases: [path: string, body: string, status: number][] = [
    ['/0', '[1,"1",true,null,[1],["1"],{},{"a":1},{"a":"1"},1e400,[1e400],[null],[[]]]', 200],
    ['/0', '[{"a":1,"b":2},{"b":2,"a":1.0}]', 400],
    ['/0', '[0,1,-0]', 400],
    ['/0', '["__proto__","__proto__"]', 400],
    ['/0', `[${deep},${deep}]`, 400],
    ['/0', `[${deep},[${deep}]]`, 200],
    ['/1', '{"a":[1,{"b":null}]}', 200],
    ['/1', '{"a":[1,{"b":0}]}', 400],
    ['/2', '{"a":1}', 200],
    ['/2', '"x"', 200],
    ['/2', '[{"toString":1}]', 200],
    ['/2', '[{"toString":2}]', 400],
    ['/3', '{"toString":1}', 200],
    ['/3', '{"toString":{}}', 400],
  ];
  for (const [path, body, status] of cases) {
    assert.equal(await statusOf(path, body), status, `${path} ${body.slice(0, 80)}`);
  }
  const refused = await send('POST', '/0', { body: '[7,{"toString":1},8,{"toString":1}]' });
  assert.match(refused.text, /must NOT have duplicate items \(items ## 1 and 3 are identical\)/);
});

test('AT-16 texts and numbers must differ too where a schema gives the type of items', async (t) => {
  const unique = (items: JsonSchema): JsonSchema => ({ type: 'array', uniqueItems: true, items });
  const send = await serveRouter(t, checking(unique({ type: 'string' }), unique({ type: ['string', 'number'] })));
  for (const [path, body, status] of [
    ['/0', '["__proto__","__proto__"]', 400],
    ['/0', '["__proto__","constructor","toString",""]', 200],
    ['/1', '["__proto__","__proto__"]', 400],
    ['/1', '["1",1,"2_",2,"2"]', 200],
    ['/1', '[1,1.0]', 400],
  ] as const) {
    assert.equal((await send('POST', path, { body })).status, status, body);
  }
});

test('AT-1 lists and objects that look alike in parts differ', () => {
  const differ = [
    [],
    {},
    [[]],
    [{}],
    { a: [] },
    { a: {} },
    ['a'],
    { list: 1 },
    ['list', 1],
    [Infinity],
    [null],
    'holder 0',
  ];
  assert.equal(equalPair(differ), undefined);
  for (const [at, one] of differ.entries()) {
    assert.deepEqual(equalPair([...differ, structuredClone(one)]), [at, differ.length], JSON.stringify(one));
  }
});

test('AT-15 a value nested too deeply for a recursive schema is refused as any other', async (t) => {
  const list: JsonSchema = { type: 'array', items: { $ref: '#' } };
  const send = await serveRouter(t, checking(list, { anyOf: [{ type: 'null' }, list] }, { not: list }));
  const body = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  for (const path of ['/0', '/1', '/2']) {
    const { status, json } = await send('POST', path, { body });
    assert.equal(status, 400);
    const { error } = json as { error: { message: string; issues: unknown } };
    assert.equal(error.message, 'Invalid input for the body: must not be nested so deeply.');
  }
});

test('AT-17 numbers of texts have the form that JSON gives them', () => {
  const checks = createAjv('draft-07', { coerceTypes: true, verbose: false });
  const converted = (type: unknown, text: string): unknown => {
    const value = { n: text };
    return checks.compile({ properties: { n: { type } } })(value) ? value.n : undefined;
  };
  for (const type of ['integer', 'number', ['integer', 'null'], ['number', 'boolean']]) {
    for (const text of ['5', '-5', '0', '-0', '1e3', '1E+3', '10.0']) assert.equal(converted(type, text), Number(text));
    for (const text of [
      ' ',
      ' 5',
      '5 ',
      '\t',
      '1e999',
      '-1e999',
      'Infinity',
      'NaN',
      '0x10',
      '0b1',
      '+1',
      '05',
      '5.',
      '.5',
    ])
      assert.equal(converted(type, text), undefined, `${JSON.stringify(text)} as ${String(type)}`);
  }
  assert.equal(converted('number', '-1.5e-3'), -0.0015);
  assert.equal(converted('string', '0x10'), '0x10');
});

test('RT-181 equality is that of the values, however their members are ordered', () => {
  const json = fc.jsonValue({ depthSize: 'small' });
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).toReversed();
    return Object.fromEntries(entries.map(([name, inner]): [string, unknown] => [name, turned(inner)]));
  };
  fc.assert(fc.property(json, (value) => assert.deepEqual(equalPair([value, turned(value)]), [0, 1])));
  fc.assert(
    fc.property(fc.array(json, { maxLength: 6 }), (written) => {
      const list = JSON.parse(JSON.stringify(written)) as unknown[];
      const at = list.findIndex((a, i) => list.slice(0, i).some((b) => isDeepStrictEqual(a, b)));
      assert.equal(equalPair(list)?.[1] ?? -1, at);
      assert.deepEqual(equalPair([...list, turned(list), list])?.[1], at < 0 ? list.length + 1 : at);
    }),
  );
});

test('AD-12 the formats of JSON Schema are known, and each refuses what is none', async (t) => {
  const values: readonly (readonly [format: string, right: string, wrong: string])[] = [
    ['date', '1815-12-23', '23.12.1815'],
    ['time', '10:30:00Z', '10:30'],
    ['duration', 'P1DT2H', '1 day'],
    ['hostname', 'books.example', 'books_example!'],
    ['uri-reference', '/books?marker=1', 'a b'],
    ['uri-template', '/books/{id}', '/books/{id'],
    ['regex', '^a+$', '('],
    ['json-pointer', '/a/0', 'a/0'],
    ['relative-json-pointer', '1/a', '/a'],
  ];
  const send = await serveRouter(t, checking(...values.map(([format]) => ({ type: 'string', format }) as JsonSchema)));
  for (const [at, [format, right, wrong]] of values.entries()) {
    const statusOf = async (value: string): Promise<number> =>
      (await send('POST', `/${at}`, { body: JSON.stringify(value) })).status;
    assert.deepEqual([await statusOf(right), await statusOf(wrong)], [200, 400], format);
  }
});

test('maxLength and minLength count characters, one or two UTF-16 units each', () => {
  const texts = fc
    .array(fc.constantFrom('a', 'é', '漢', '\u{1f600}', '\ud83d', '\ude00'))
    .map((units) => units.join(''));
  {
    const ajv = createAjv('draft-07', { coerceTypes: false, verbose: false });
    for (const limit of [0, 1, 3, 6]) {
      const isAtMost = ajv.compile({ type: 'string', maxLength: limit });
      const isAtLeast = ajv.compile({ type: 'string', minLength: limit });
      fc.assert(
        fc.property(texts, (text) => {
          const { length } = Array.from(text);
          return isAtMost(text) === length <= limit && isAtLeast(text) === length >= limit;
        }),
      );
    }
  }
});

test('the length of a text may depend on another value, with $data', () => {
  const customOptions = { $data: true };
  const ajv = createAjv('draft-07', { coerceTypes: false, verbose: false }, { customOptions });
  const check = ajv.compile({ properties: { text: { type: 'string', maxLength: { $data: '1/most' } } } });
  assert.equal(check({ text: '\u{1f600}\u{1f600}', most: 2 }), true);
  assert.equal(check({ text: 'abc', most: 2 }), false);
  assert.equal(check({ text: 'abc', most: 'x' }), false);
  assert.equal(check({ text: 'abc' }), true);
});
