/** Tests the syntax of paste files and the locations of their parts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
// The reader is private, because only the Loader uses it.
import { readPaste, strip, wordsOf } from '../../dist/ini/index.js';

/** Returns the options of a document as nested arrays: section, then name and value. */
function contentOf(text: string): [string, [string, string][]][] {
  const { defaults, sections } = readPaste(text, 'a.ini');
  const all = [...(defaults === undefined ? [] : [defaults]), ...sections.values()];
  return all.map(({ name, options }) => [name, [...options.values()].map((option) => [option.name, option.value])]);
}

const problemsOf = (text: string) =>
  readPaste(text, 'a.ini').problems.map(({ kind, origin }) => [kind, origin.line, origin.column]);

test('PD-2 lines end at LF, CR LF and CR, and at nothing else', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    assert.deepEqual(contentOf(`[a]${end}x = 1${end}y = 2`), [
      [
        'a',
        [
          ['x', '1'],
          ['y', '2'],
        ],
      ],
    ]);
  }
  for (const inner of ['\u2028', '\u2029', '\v', '\f', '\u0085', '\u001c', '\u001e']) {
    assert.deepEqual(contentOf(`[a]\nx = 1${inner}y = 2`), [['a', [['x', `1${inner}y = 2`]]]]);
  }
});

test('PD-3 white space is what Python strips, character by character', () => {
  const blank = [
    [0x09, 0x0d],
    [0x1c, 0x20],
    [0x85, 0x85],
    [0xa0, 0xa0],
    [0x1680, 0x1680],
    [0x2000, 0x200a],
    [0x2028, 0x2029],
    [0x202f, 0x202f],
    [0x205f, 0x205f],
    [0x3000, 0x3000],
  ] as const;
  for (let unit = 0; unit <= 0xffff; unit++) {
    const expected = blank.some(([from, to]) => unit >= from && unit <= to);
    if (unit >= 0xd800 && unit <= 0xdfff) continue;
    const char = String.fromCharCode(unit);
    assert.equal(strip(`${char}x${char}`), expected ? 'x' : `${char}x${char}`);
    assert.equal(wordsOf(`a${char}b`).length, expected ? 2 : 1);
    if (unit === 0x0a || unit === 0x0d) continue;
    const [, options] = contentOf(`[s]\nx = 1\n${char}y = 2`)[0]!;
    assert.equal(
      options.length,
      expected || char === '#' || char === ';' ? 1 : 2,
      `indentation by U+${unit.toString(16)}`,
    );
  }
});

test('PD-4 PD-5 comments are whole lines; after text the marks belong to the value', () => {
  const text = '#!/usr/bin/env x\n[a]\n  ; c\nx = 1 # not ; a comment\n    # gone\n    2\nc# = 3\n';
  assert.deepEqual(contentOf(text), [
    [
      'a',
      [
        ['x', '1 # not ; a comment\n2'],
        ['c#', '3'],
      ],
    ],
  ]);
});

test('PD-6 a header runs to the last bracket of its line', () => {
  const names = contentOf('[x] = y\n[a] # see [b]\n[ app : x ]\n[]]\n').map(([name]) => name);
  assert.deepEqual(names, ['x', 'a] # see [b', ' app : x ', ']']);
  assert.deepEqual(contentOf('[a]\n[b = 2\n[] = 3'), [
    [
      'a',
      [
        ['[b', '2'],
        ['[]', '3'],
      ],
    ],
  ]);
});

test('PD-7 PD-15 the parts of [DEFAULT] merge, other spellings are ordinary sections', () => {
  const text = '[DEFAULT]\na = 1\n[default]\nb = 2\n[DEFAULT]\nc = 3\n[ DEFAULT ]\n';
  assert.deepEqual(contentOf(text), [
    [
      'DEFAULT',
      [
        ['a', '1'],
        ['c', '3'],
      ],
    ],
    ['default', [['b', '2']]],
    [' DEFAULT ', []],
  ]);
  assert.deepEqual(problemsOf('[DEFAULT]\na = 1\n[DEFAULT]\na = 1'), [['duplicate-option', 4, 1]]);
});

test('PD-8 the first delimiter ends the name', () => {
  const text = '[a]\nhttp://x/ = 1\ny=a:b=c\nz :\nw   =   v  \n';
  assert.deepEqual(contentOf(text)[0]![1], [
    ['http', '//x/ = 1'],
    ['y', 'a:b=c'],
    ['z', ''],
    ['w', 'v'],
  ]);
});

test('PD-9 PD-10 PD-11 PD-12 deeper lines continue a value, blank ones in between count, comments vanish', () => {
  const text = '[a]\n   [b]\n  x =\n    1\n\n   # no trace\n    [y] = 2\n\n  z = 3\n\n\n';
  assert.deepEqual(contentOf(text), [
    ['a', []],
    [
      'b',
      [
        ['x', '\n1\n\n[y] = 2'],
        ['z', '3'],
      ],
    ],
  ]);
  assert.deepEqual(contentOf('[a]\n\tx = 1\n        y = 2\n'), [['a', [['x', '1\ny = 2']]]]);
});

test('PD-14 PD-16 PD-17 PD-18 what a file is refused for, each with its line and column', () => {
  assert.deepEqual(problemsOf('[a]\n[b]\n [a]\n'), [['duplicate-section', 3, 2]]);
  assert.deepEqual(problemsOf('[a]\nx = 1\n[b:c\nx = 1\n'), [['duplicate-option', 4, 1]]);
  assert.deepEqual(problemsOf('\n  x = 1\ny = 2\n[a]'), [['no-section-header', 2, 3]]);
  assert.deepEqual(problemsOf('\ufeff[a]\n'), [['no-section-header', 1, 1]]);
  assert.deepEqual(problemsOf('[a]\nx = 1\n nonsense\nmore\n  deeper\n= 2\n  end'), [
    ['bad-line', 4, 1],
    ['bad-line', 6, 1],
    ['bad-line', 7, 3],
  ]);
  assert.deepEqual(
    problemsOf('[a]\n= 1\n= 2').map(([kind]) => kind),
    ['bad-line', 'bad-line', 'duplicate-option'],
  );
});

test('AU-6 a line that a file is refused for is reported without a secret that it may be', () => {
  for (const [text, shown] of [
    ['[app:a]\nhunter2word', '****'],
    ['[app:a]\n  hunter2word with spaces', '  ****'],
    ['[app:a]\n= hunter2word', '= ****'],
    ['[] hunter2word', '[] ****'],
    ['hunter2word', '****'],
    ['secret = hunter2word', 'secret = ****'],
  ] as const) {
    const [found] = readPaste(text, 'a.ini').problems;
    assert.equal(found!.origin.text, shown);
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  }
});

test('PD-1 PD-154 a byte that is not UTF-8 has a location', () => {
  const bad = (bytes: number[]) =>
    readPaste(Uint8Array.from([...Buffer.from('[a]\nß = 1\n'), ...bytes]), 'a.ini').problems[0]!;
  for (const bytes of [
    [0x78, 0xe9, 0x20],
    [0x78, 0xed, 0xa0, 0x80],
    [0x78, 0xc0, 0x80],
    [0x78, 0xf4, 0x90, 0x80, 0x80],
    [0x78, 0xff],
  ]) {
    const { kind, origin } = bad(bytes);
    assert.deepEqual([kind, origin.line, origin.column], ['not-utf8', 3, 2], bytes.join());
  }
  assert.equal(readPaste(Buffer.from('[a]\n😀 = 1\n'), 'a.ini').problems.length, 0);
});

test('PD-20 names that objects know are ordinary names', () => {
  const { sections } = readPaste('[__proto__]\n2 = b\n1 = a\nconstructor = c\n', 'a.ini');
  assert.deepEqual([...sections.get('__proto__')!.options.keys()], ['2', '1', 'constructor']);
  assert.equal(sections.get('toString'), undefined);
});

test('PD-150 names, values and continuation lines keep their locations', () => {
  const option = readPaste('[a]\n  x  =  one\n      two\n', 'a.ini').sections.get('a')!.options.get('x')!;
  assert.deepEqual([option.origin.line, option.origin.column], [2, 3]);
  const places = option.pieces.map(({ start, origin }) => [start, origin.line, origin.column]);
  assert.deepEqual(places, [
    [0, 2, 9],
    [4, 3, 7],
  ]);
});

/** A simple implementation of the same rules: line by line, without places. */
function naive(text: string): [string, [string, string][]][] {
  const found = new Map<string, Map<string, string[]>>();
  let section: Map<string, string[]> | undefined;
  let option: string[] | undefined;
  let measure = 0;
  for (const line of text.split(/\r\n|[\n\r]/)) {
    const bare = strip(line);
    if (bare === '') {
      option?.push('');
      continue;
    }
    if (/^[#;]/.test(bare)) continue;
    const indent = line.indexOf(bare[0]!);
    if (option !== undefined && indent > measure) {
      option.push(bare);
      continue;
    }
    measure = indent;
    const header = /^\[(.+)\]/s.exec(bare);
    if (header !== null) {
      section = found.get(header[1]!) ?? new Map<string, string[]>();
      found.set(header[1]!, section);
      option = undefined;
      continue;
    }
    const delimiter = Math.min(...['=', ':'].map((mark) => bare.indexOf(mark)).filter((at) => at >= 0));
    if (section === undefined || delimiter === Number.POSITIVE_INFINITY) continue;
    const name = strip(bare.slice(0, delimiter));
    const value = [strip(bare.slice(delimiter + 1))];
    section.set(name, value);
    option = name === '' ? undefined : value;
  }
  return [...found].map(([name, options]) => [
    name,
    [...options].map(([key, lines]) => [key, lines.join('\n').replace(/\n+$/, '')]),
  ]);
}

test('PD-9 any text reads as by a second, plain implementation of the rules', () => {
  const line = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('', ' ', '  ', '# c', '  ; c', '   d', '\td', '\u0085d') },
    {
      weight: 5,
      arbitrary: fc
        .tuple(fc.constantFrom('', ' ', '  ', '\t'), fc.string({ maxLength: 8 }))
        .map((parts) => parts.join('')),
    },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.constantFrom('', ' ', '   '), fc.nat(9999)).map(([indent, n]) => `${indent}k${n} = v${n}`),
    },
    { weight: 2, arbitrary: fc.nat(9999).map((n) => `[s${n}]`) },
  );
  const text = fc.tuple(fc.array(line, { maxLength: 24 }), fc.constantFrom('\n', '\r\n', '\r'));
  fc.assert(
    fc.property(text, ([lines, end]) => {
      const whole = `[first]${end}${lines.join(end)}`;
      const { problems } = readPaste(whole, 'a.ini');
      fc.pre(problems.every(({ kind }) => kind === 'bad-line'));
      fc.pre(!whole.includes('[DEFAULT]'));
      assert.deepEqual(contentOf(whole), naive(whole));
    }),
    { numRuns: 600 },
  );
});
