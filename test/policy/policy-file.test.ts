/** Tests the findings in policy files: each with its line and column, and what the reference would make of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPolicyFile } from '../../dist/extras/policy/policy-file.js';

const ROWS: Readonly<Record<string, [text: string, ...findings: string[]]>> = {
  'a rule, and comments': ['# rules\n"a": "role:admin"\n'],
  'an empty file': [''],
  'no, which YAML reads as false': [
    'a: no\n',
    '1:4: error: the rule "a": no is an empty rule in YAML, which would allow everybody',
  ],
  'a rule without a value': [
    'a:\n',
    '1:3: error: the rule "a": without a value it is an empty rule in YAML, which would allow everybody',
  ],
  'an exclamation mark without quotes, which is a tag': [
    'a: !\n',
    '1:5: error: the rule "a": without a value it is an empty rule in YAML, which would allow everybody',
  ],
  'an at sign without quotes': [
    'b: role:b\na: @\n',
    '2:4: error: the file is neither YAML nor JSON: Plain value cannot start with reserved character @',
  ],
  'a number': ['a: 5\n', '1:4: error: the rule "a" is 5, which is no text in YAML'],
  'a date': ['a: 2020-01-01\n', '1:4: error: the rule "a" is 2020-01-01, which is no text in YAML'],
  'null in JSON': [
    '{"a": null}',
    '1:7: error: the rule "a": null is an empty rule in YAML, which would allow everybody',
  ],
  'a name that is true in YAML': [
    'yes: role:a\n',
    '1:1: error: the name yes is no text in YAML, so its rule would never be used',
  ],
  'a name that is a number for one parser and a text for the other': [
    '1e5: "!"\n',
    '1:1: error: the name 1e5 is no text in YAML, so its rule would never be used',
  ],
  'a list as a name': ['[a]: role:a\n', '1:1: error: the name is no text in YAML, so its rule would never be used'],
  'a name by an alias': ['a: &n role:a\n*n : "!"\n'],
  'an anchor with a colon': ['a: &x:y role:a\n', '1:9: error: the anchor &x:y is not made of letters, digits, _ and -'],
  'merged rules': [
    'a: &m {b: role:a}\n<<: *m\n',
    '1:7: error: the rule "a" has an item, which is no text in YAML',
    '2:1: error: the name << is no text in YAML, so its rule would never be used',
  ],
  'a name that only YAML 1.2 reads as a text': [
    '%YAML 1.2\n---\nyes: role:a\n',
    '3:1: error: the name yes is no text in YAML, so its rule would never be used',
  ],
  'names of one letter': ['y: role:a\nn: "!"\n'],
  'a line that ends with a carriage return': [
    '# rules\ra: role:a or\r',
    '2:4: warning: the rule "a": "role:a or" is not understood, so it denies',
  ],
  'a rule behind a separator of lines, in a comment': [
    '# rules\u2028a: "!"\n',
    '1:8: error: the file has a control character',
  ],
  'a byte order mark at the start': [
    '\ufeffa: role:a or\n',
    '1:4: warning: the rule "a": "role:a or" is not understood, so it denies',
  ],
  'a byte order mark elsewhere': ['b: role:b\n\ufeff&c d: role:b\n', '2:1: error: the file has a control character'],
  'a control character': ['a: "role:a\x07"\n', '1:11: error: the file has a control character'],
  'not a number': ['a: .nan\n', '1:4: error: the rule "a" is .nan, which is no text in YAML'],
  'a list in itself': ['a: &a [*a]\n', '1:7: error: the rule "a" has an item, which is no text in YAML'],
  'an alias without an anchor in a list': ['a: [[*x]]\n', '1:6: error: there is no anchor &x'],
  'an anchor of 200 aliases': [`a: &a role:a\nb: [${'*a, '.repeat(200)}]\n`],
  'a name twice': ['a: role:a\na: role:b\n', '2:1: warning: the rule "a" replaces that of line 1'],
  'a list': ['- a\n', '1:1: error: the file is no mapping of names to rules'],
  'a list with a number': ['a: [1]\n', '1:4: error: the rule "a" has an item, which is no text in YAML'],
  'a tag': ['a: !foo b\n', '1:4: error: the file is neither YAML nor JSON: Unresolved tag: !foo'],
  'an alias without an anchor': ['a: *x\n', '1:4: error: there is no anchor &x'],
  'a rule that is not whole': [
    'a: role:a or\n',
    '1:4: warning: the rule "a": "role:a or" is not understood, so it denies',
  ],
  'a word without a kind': ['a: role:a or b\n', '1:4: warning: the rule "a": "b" is not understood, so it denies'],
  'a text as a rule': [
    `a: "'x'"\n`,
    `1:4: error: the rule "a": "'x'" is no rule: a rule is made of checks, such as role:admin`,
  ],
  'a kind that Python cannot read': ['a: is:x\n', '1:4: error: the rule "a": "is" is no name and no literal'],
  'a format without an end': ['a: x:%(y\n', '1:4: error: the rule "a": "%(y" lacks a closing bracket'],
  'a percent sign': [
    'a: x:%y\n',
    '1:4: error: the rule "a": "%y" is no conversion: write %(name)s, or %% for a percent sign',
  ],
};

test('findings in a policy file have their line and column', () => {
  for (const [about, [text, ...findings]] of Object.entries(ROWS)) {
    const { problems } = readPolicyFile('/p.yaml', Buffer.from(text));
    const shown = problems.map(
      ({ location, severity, message }) =>
        `${location?.origin?.line}:${location?.origin?.column}: ${severity}: ${message}`,
    );
    assert.deepEqual(shown, findings, about);
  }
});
