import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { areEqual, equalPair } from '../../../dist/app/schemas/create-ajv.js';
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

test('RT-181 equality is that of the values, however their members are ordered', () => {
  const json = fc.jsonValue({ depthSize: 'small' });
  const turned = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turned);
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value).toReversed();
    return Object.fromEntries(entries.map(([name, inner]): [string, unknown] => [name, turned(inner)]));
  };
  fc.assert(fc.property(json, (value) => areEqual(value, turned(value))));
  fc.assert(
    fc.property(fc.array(json, { maxLength: 6 }), (list) => {
      const equal = list.flatMap((a, i) => list.slice(0, i).filter((b) => areEqual(a, b)));
      assert.equal(equalPair(list) === undefined, equal.length === 0);
      assert.deepEqual(
        equalPair([...list, turned(list), list])?.[1],
        equal.length === 0 ? list.length + 1 : equalPair(list)?.[1],
      );
    }),
  );
});
