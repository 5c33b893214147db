import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defineOptions, dict, integer, list, multi, port, regexp } from 'portico/config';

test('CF-37 a list splits at commas, trims, drops what is empty, and knows quotes and backslashes', () => {
  assert.deepEqual(list().parse(' a, b ,,c,'), ['a', 'b', 'c']);
  assert.deepEqual(list().parse(''), []);
  assert.deepEqual(list().parse('a\nb'), ['a\nb']);
  assert.deepEqual(list().parse('"a, b", \'c, d\', e\\, f, "g\\"h", ""'), ['a, b', 'c, d', 'e, f', 'g"h', '']);
  assert.throws(() => list().parse('"a" b, c'), /comma after the quoted item at character 1/);
  assert.throws(() => list().parse('a, "b'), /quoted item at character 3/);
  assert.deepEqual(list({ item: port() }).parse('80, 443'), [80, 443]);
  assert.throws(() => list({ item: port() }).parse('80, 70000'), /item 2 should be ≥ 0 and ≤ 65535/);
  assert.throws(() => list({ unique: true }).parse('a,b,a'), /not contain an item twice/);
  assert.throws(() => list({ minLength: 2 }).parse('a'), /at least 2 items/);
  assert.deepEqual(list({ bounds: true }).parse('[a,b]'), ['a', 'b']);
  assert.throws(() => list({ bounds: true }).parse('a,b'), /between \[ and \]/);
});

test('CF-37 whatever the items are, a list as written is read back', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 8 }), { maxLength: 5 }), (items) => {
      assert.deepEqual(list().parse(list().format(items)), items);
    }),
  );
});

test('CF-38 a repeated key gives its items in order; one empty one is none', () => {
  assert.deepEqual(multi().parseAll(['b', 'a']), ['b', 'a']);
  assert.deepEqual(multi().parseAll(['']), []);
  assert.deepEqual(multi().parseAll(['', 'a']), ['', 'a']);
  assert.deepEqual(multi({ item: integer() }).parseAll(['1', '2']), [1, 2]);
  assert.deepEqual(multi({ default: ['x'] }).default, ['x']);
  const declaration = { hosts: multi({ help: 'Hosts.', unique: true } as { help: string }) };
  assert.throws(() => defineOptions(declaration), { code: 'PORTICO_OPTION_DECLARATION', message: /unique/ });
});

test('CF-39 a dictionary has pairs; a key twice is refused', () => {
  assert.deepEqual(
    [...dict().parse('a:b, c : d:e')],
    [
      ['a', 'b'],
      ['c', 'd:e'],
    ],
  );
  assert.deepEqual(
    [...dict({ value: integer() }).parse('__proto__:1,17:2')],
    [
      ['__proto__', 1],
      ['17', 2],
    ],
  );
  assert.equal(dict().parse('').size, 0);
  assert.deepEqual([...dict({ separator: '=' }).parse('a=1')], [['a', '1']]);
  assert.throws(() => dict().parse('a:1,a:2'), /not contain a key twice \(a\)/);
  assert.throws(() => dict().parse('a'), /pairs such as key:value/);
  assert.throws(() => dict().parse('a:1, :2'), /should have a key before each :/);
});

test('the default of a dictionary is a Map or text, and any other is refused in a sentence that says so', () => {
  assert.deepEqual([...dict({ default: new Map([['a', '1']]) }).default], [['a', '1']]);
  assert.deepEqual([...dict({ default: 'a:1' }).default], [['a', '1']]);
  const pairs = { a: '1' } as unknown as Map<string, string>;
  const said = 'bad default: should be a Map, as new Map([["a","1"]]), or text such as key:value; got { a: \'1\' }';
  assert.throws(() => dict({ default: pairs }).default, { name: 'TypeError', message: said });
});

test('a dictionary refuses a default in code that would be read as another one', () => {
  const of = (key: string, value: string, separator?: string) =>
    dict({ default: new Map([[key, value]]), ...(separator !== undefined && { separator }) }).default;
  assert.throws(() => of('http://a', 'x'), /should have no : in a key \(http:\/\/a\), because it ends the key/);
  assert.throws(() => of('a:', 'x', '::'), /should have no :: in a key/);
  for (const [key, value] of [
    [' a', 'x'],
    ['a', 'x '],
  ] as const) {
    assert.throws(() => of(key, value), /should have no blanks around a key or its value \(a\)/);
  }
  assert.deepEqual([...of('http://a', 'x', '=')], [['http://a', 'x']]);
  assert.deepEqual([...of('a', 'b:c')], [['a', 'b:c']]);
});

test('the default of a list is an array or text, and any other is refused in a sentence that says so', () => {
  const items = {} as unknown as string[];
  assert.throws(() => list({ default: items }).default, {
    name: 'TypeError',
    message: 'bad default: should be an array, or text such as a,b; got {}',
  });
  assert.throws(() => multi({ default: items }).default, {
    name: 'TypeError',
    message: 'bad default: should be an array, or text; got {}',
  });
});

test('CF-39 a dictionary that is declared to stand in braces is read and written with them, and refused without', () => {
  const braced = dict({ bounds: true, default: '{a:1,b:2}' });
  assert.deepEqual(
    [...braced.parse(' { a:1, b:2 } ')],
    [
      ['a', '1'],
      ['b', '2'],
    ],
  );
  assert.equal(braced.format(braced.parse('{a:1,b:2}')), '{a:1,b:2}');
  assert.equal(braced.parse('').size, 0);
  assert.throws(() => braced.parse('a:1,b:2'), /between { and }/);
});

test('CF-110 lists and dictionaries cannot be changed', () => {
  assert.throws(() => (list().parse('a') as string[]).push('b'), TypeError);
  assert.throws(() => (dict().parse('a:b') as Map<string, string>).set('c', 'd'), TypeError);
});

test('a list keeps a backslash that quotes nothing, in quotes and outside of them, and so does a dictionary', () => {
  const items: [string, string[]][] = [
    [String.raw`regex:https://[a-z]+\.apps\.example, b`, [String.raw`regex:https://[a-z]+\.apps\.example`, 'b']],
    [String.raw`"\d{1,3}\.\w", '\s+'`, [String.raw`\d{1,3}\.\w`, String.raw`\s+`]],
    [String.raw`a\,b, c\\d, e\"f, g\'h`, ['a,b', String.raw`c\d`, 'e"f', "g'h"]],
    [String.raw`C:\data\, D:\x`, [String.raw`C:\data, D:\x`]],
    [String.raw`\\.a`, [String.raw`\.a`]],
    [String.raw`a\ `, [String.raw`a\ `.trim()]],
  ];
  for (const [text, parsed] of items) {
    assert.deepEqual(list().parse(text), parsed, text);
    assert.deepEqual(list().parse(list().format(parsed)), parsed, text);
  }
  assert.deepEqual(
    [...dict().parse(String.raw`a:\d+\.x,b:c\,d`)],
    [
      ['a', String.raw`\d+\.x`],
      ['b', 'c,d'],
    ],
  );
});

test('a list of expressions means what was written, and refuses the rest', () => {
  const [host] = list({ item: regexp() }).parse(String.raw`^[a-z]+\.example$`) as readonly RegExp[];
  assert.deepEqual(
    ['a.example', 'axexample', 'a-example'].map((text) => host!.test(text)),
    [true, false, false],
  );
});
