import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'ini';
import { type ConfFile, mostProblems, readConf } from '../../dist/ini/index.js';

const read = (text: string | Uint8Array): ConfFile => readConf('a.conf', text);
const values = (text: string): string[][] =>
  read(text).entries.map(({ section, name, value }) => [section, name, value]);
const problems = (text: string | Uint8Array): string[] =>
  read(text).problems.map(
    ({ message, location }) => `${location!.origin!.line}:${location!.origin!.column} ${message}`,
  );

test('CF-20 sections, both delimiters, comments in the first column, byte order mark, both line ends', () => {
  const text = '\uFEFF# one\r\n[a]\r\nx = 1\r\ny: 2\r\nz = a:b\r\nu : c=d\n; two\n[DEFAULT]\nlast=';
  assert.deepEqual(values(text), [
    ['a', 'x', '1'],
    ['a', 'y', '2'],
    ['a', 'z', 'a:b'],
    ['a', 'u', 'c=d'],
    ['DEFAULT', 'last', ''],
  ]);
  assert.deepEqual(problems(text), []);
});

test('CF-21 sections compare without case, except DEFAULT; one that stands twice adds up', () => {
  assert.deepEqual(values('[API:Compute]\na=1\n[default]\nb=2\n[api:compute]\nc=3\n'), [
    ['api:compute', 'a', '1'],
    ['default', 'b', '2'],
    ['api:compute', 'c', '3'],
  ]);
  assert.equal(read('[API:Compute]\na=1').entries[0]?.origin.section, 'API:Compute');
});

test('CF-22 a deeper line continues a value, a blank line or a comment ends it', () => {
  assert.deepEqual(values('[a]\nx = 1\n  2\n\t# three\ny =\n  4\n'), [
    ['a', 'x', '1\n2\n# three'],
    ['a', 'y', '\n4'],
  ]);
  assert.deepEqual(problems('[a]\nx = 1\n\n  2\n'), ['4:3 unexpected continuation line']);
  assert.deepEqual(problems('[a]\nx = 1\n# no\n  2\n  3\n'), ['4:3 unexpected continuation line']);
  assert.deepEqual(problems('[a]\n x = 1\n'), ['2:2 unexpected continuation line']);
});

test('CF-23 one pair of quotes around the whole is taken away', () => {
  const pairs = Object.entries({
    '"  a  "': '  a  ',
    "'b'": 'b',
    '""': '',
    '"': '"',
    '"a", "b"': '"a", "b"',
    '"mixed\'': '"mixed\'',
    "it's": "it's",
  });
  for (const [written, value] of pairs) assert.deepEqual(values(`[a]\nx = ${written}`), [['a', 'x', value]], written);
  assert.deepEqual(values('[a]\nx = "1\n  2"'), [['a', 'x', '1\n2']]);
});

test('CF-24 nothing behind a value is a comment', () => {
  assert.deepEqual(values('[a]\nx = bar # x\ny = p;w#d\n'), [
    ['a', 'x', 'bar # x'],
    ['a', 'y', 'p;w#d'],
  ]);
});

test('CF-26 hyphens and underscores in names are the same', () => {
  assert.deepEqual(values('[a]\nmax-header_size = 1'), [['a', 'max_header_size', '1']]);
});

test('CF-17 a value knows its line and column, and those of its continuation lines', () => {
  const [entry] = read('\n[a]\n  \nx =   one\n    two\n').entries;
  assert.deepEqual(
    entry?.pieces.map(({ start, origin }) => [start, origin.line, origin.column]),
    [
      [0, 4, 7],
      [4, 5, 5],
    ],
  );
  assert.equal(entry?.origin.option, 'x');
  assert.equal(read('[a]\nx = "q"').entries[0]?.origin.column, 6);
});

test('CF-63 every bad line is reported, with its own words, and reading goes on', () => {
  const text = 'x = 1\n[a\ny = 2\n[]\nz = 3\n[b]\nno delimiter\n= 4\nw = 5\n';
  assert.deepEqual(problems(text), [
    '1:1 section must be started before assignment',
    '2:2 invalid section (must end with ])',
    '4:1 empty section name',
    "7:1 no ':' or '=' found in assignment",
    '8:1 key cannot be empty',
  ]);
  assert.deepEqual(values(text), [
    ['a', 'y', '2'],
    ['b', 'w', '5'],
  ]);
  assert.deepEqual(problems(Buffer.from('[a]\nx = \xe4\ny = ok\n', 'latin1')), ['2:5 not valid UTF-8']);
});

test('AU-6 a line that cannot be read is reported without a secret that it may be', () => {
  for (const [text, shown] of [
    ['[jwt]\nhunter2word', '****'],
    ['[jwt]\nhunter2word with spaces', '****'],
    // openssl rand -base64 32
    ['[jwt]\nhunter2wordSdo+OL0wNNhqoVWhr3g6s1xYv72ol/pe=', '****'],
    ['[jwt]\n\n  hunter2word', '  ****'],
    ['[jwt] hunter2word', '[jwt] ****'],
    ['[] hunter2word', '[] ****'],
    ['secret = hunter2word', 'secret = ****'],
    ['hunter2word', '****'],
    ['[jwt]\n= hunter2word', '= ****'],
    [Buffer.from('[jwt]\nhunter2word\xe4', 'latin1'), '****'],
    [Buffer.from('[jwt]\nsecret =\n  hunter2:word\xe4', 'latin1'), '  ****'],
  ] as const) {
    const { problems: found } = read(text);
    assert.equal(found[0]?.location?.origin?.text, shown, String(text));
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  }
});

test('CF-63 a header with text behind it is that of the section that is meant', () => {
  for (const [header, hint] of [
    ['[a] # comment', 'put the comment on a separate line, and write [a] here'],
    ['[ a ];comment', 'put the comment on a separate line, and write [a] here'],
    ['[a] b', 'write [a]'],
    ['[a b', 'write [a b]'],
  ] as const) {
    const found = read(`${header}\nx = 1\n`);
    assert.deepEqual(
      found.problems.map((each) => [each.location?.detail.split(':').slice(1).join(':'), each.message, each.hint]),
      [[`1:${header.length}`, 'invalid section (must end with ])', hint]],
    );
    assert.deepEqual(values(`${header}\nx = 1\n`), [[header === '[a b' ? 'a b' : 'a', 'x', '1']]);
  }
});

test('CF-63 an empty section name asks for one, also with a comment behind it', () => {
  for (const header of ['[]', '[ ]', '[] # comment', '[ ] ; comment', '[] x']) {
    const found = read(`[a]\n${header}\nx = 1\n`);
    assert.deepEqual(
      found.problems.map(({ section, message, hint }) => [section, message, hint]),
      [
        [
          undefined,
          'empty section name',
          'write a name between the brackets, such as [DEFAULT]; without one, the options below are not read',
        ],
      ],
      header,
    );
    assert.deepEqual(found.entries, [], header);
  }
});

test('CF-63 at most 20 bad lines are reported', () => {
  assert.equal(mostProblems, 20);
  assert.equal(read('bad\n'.repeat(50)).problems.length, 20);
});

const word = fc.stringMatching(/^[a-z][a-z0-9_]{0,8}$/);
const value = fc.stringMatching(/^[!$-:<-~][ -:<-~]{0,12}$/).map((text) => text.trim());

test('whatever is written, names and values are read back in order, each at its own line', () => {
  const section = fc.tuple(
    word,
    fc.array(fc.tuple(word, fc.constantFrom(' = ', ':', '=', ' : '), value), { maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(section, { maxLength: 4 }), fc.constantFrom('\n', '\r\n'), (sections, end) => {
      const lines: string[] = [];
      const expected: unknown[] = [];
      for (const [name, options] of sections) {
        lines.push(`[${name}]`);
        for (const [key, delimiter, text] of options) {
          lines.push(`${key}${delimiter}${text}`);
          const unquoted = /^"[^"]*"$|^'[^']*'$/.test(text) && text.length > 1 ? text.slice(1, -1) : text;
          expected.push([name, key, unquoted, lines.length]);
        }
      }
      const { entries, problems: bad } = read(lines.join(end));
      assert.deepEqual(bad, []);
      assert.deepEqual(
        entries.map((entry) => [entry.section, entry.name, entry.value, entry.origin.line]),
        expected,
      );
    }),
  );
});

test('any bytes at all are read without a throw, and every origin points into its file', () => {
  const piece = fc.constantFrom('[', ']', '=', ':', '#', ';', ' ', '\t', '\n', '\r', 'a', '"', '\u2028', 'ä', '$');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece).map((parts) => Buffer.from(parts.join(''))),
        fc.uint8Array(),
      ),
      (bytes) => {
        const lines = Buffer.from(bytes).toString('utf8').split('\n').length;
        const { entries, sections, problems: bad } = read(bytes);
        for (const { origin } of [...entries, ...sections]) {
          assert.ok(origin.line >= 1 && origin.line <= lines);
          assert.ok(origin.column >= 1 && origin.column <= (origin.text?.length ?? 0) + 1);
        }
        for (const { location } of bad) assert.ok(location!.origin!.line >= 1 && location!.origin!.line <= lines);
      },
    ),
  );
});

test('on what both can read, the reader agrees with the ini package', () => {
  const plain = fc.stringMatching(/^[a-z0-9/.:-]{1,12}$/).filter((text) => !/^(true|false|null)$/.test(text));
  fc.assert(
    fc.property(fc.dictionary(word, fc.dictionary(word, plain, { minKeys: 1, maxKeys: 4 }), { maxKeys: 4 }), (data) => {
      const text = stringify(data, { whitespace: true });
      const ours: Record<string, Record<string, string>> = {};
      for (const [section, name, each] of values(text) as [string, string, string][]) {
        ours[section] = { ...ours[section], [name]: each };
      }
      assert.deepEqual(ours, JSON.parse(JSON.stringify(parse(text))));
    }),
  );
});
