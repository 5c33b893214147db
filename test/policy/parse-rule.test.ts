/** Tests the language of rules: its canonical texts, its problems, and the texts of values that it compares. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkText, evaluate, type Question } from '../../dist/extras/policy/check.js';
import { parseRule } from '../../dist/extras/policy/parse-rule.js';
import { pythonText } from '../../dist/extras/policy/python-text.js';
import { RuleSet } from '../../dist/extras/policy/rule-set.js';

const TEXTS: readonly (readonly [rule: unknown, text: string, problem?: string])[] = [
  ['', '@'],
  ['role:a or role:b and not role:c', '(role:a or (role:b and not role:c))'],
  ['(role:a or role:b) AND rule:x', '((role:a or role:b) and rule:x)'],
  ['role:a or (role:b and role:c) and role:d', '(role:a or (role:b and role:c and role:d))'],
  ['admin', '!', '"admin" is not understood, so it denies'],
  ['role:a or', '!', '"role:a or" is not understood, so it denies'],
  ["'open'", '!', `"'open'" is no rule: a rule is made of checks, such as role:admin`],
  [[['role:a', 'role:b'], 'role:c'], '((role:a and role:b) or role:c)'],
  [[[]], '!'],
  ['token.class:x', 'token.class:x', '"token.class" is no name and no literal'],
];

test('a rule has the canonical text of oslo.policy, and says what is wrong in it', () => {
  for (const [rule, text, problem] of TEXTS) {
    const { check, problems } = parseRule(rule);
    assert.deepEqual([checkText(check), problems[0]?.message], [text, problem], JSON.stringify(rule));
  }
});

test('rules that refer twice to the next one do not double the work, and long names are cut', () => {
  const rules = new Map(
    Array.from({ length: 60 }, (_, at) => [`r${at}`, parseRule(`rule:r${at + 1} or rule:r${at + 1}`).check]),
  );
  const set = new RuleSet(
    new Map(),
    new Map([...rules].map(([name, check]) => [name, { name, parsed: { check } } as never])),
    { policyDefaultRule: '', enforceNewDefaults: false },
  );
  assert.equal(set.isCyclic(rules.get('r0')!), false);
  const question: Question = {
    credentials: {},
    target: {},
    asked: 'r0',
    rule: (name) => rules.get(name),
    askServer: () => Promise.resolve(false),
  };
  assert.equal(evaluate(rules.get('r0')!, question), false);
  const [problem] = parseRule(`role:a ${'b'.repeat(1_000_000)}`).problems;
  assert.ok(problem!.message.length < 200, problem!.message.slice(0, 300));
});

test('values are compared as Python writes them', () => {
  const rows: [value: unknown, text: string][] = [
    [true, 'True'],
    [null, 'None'],
    [2.5, '2.5'],
    [1e-7, '1e-07'],
    [1e16, '1e+16'],
    [{ a: ["it's", false] }, `{'a': ["it's", False]}`],
  ];
  for (const [value, text] of rows) assert.equal(pythonText(value), text);
});

const ANSWERS: readonly (readonly [rule: string, answer: boolean | 'refused'])[] = [
  ['role:ADMIN', true],
  ['is_admin:True', true],
  ['is_admin:true', false],
  ['user_id:%(owner)s', true],
  ['user_id:%(absent)s', false],
  ['not user_id:%(absent)s', true],
  ['token.roles.id:r2', true],
  ["'open':%(state)s", true],
  ['5:5', true],
  ['0x5:5', 'refused'],
  ['-0:%(minus)s', 'refused'],
  ['is-admin:yes', 'refused'],
  ['a-05:yes', 'refused'],
  ['project-tags:yes', true],
  ['code:%(number)03d', 'refused'],
  ['rule:none or not rule:none', true],
  ['rule:circle', 'refused'],
  ['role:admin or rule:circle', true],
  ['state:50%', 'refused'],
  ['not rule:bare', 'refused'],
];

test('a check decides as the reference does, and refuses what only Python explains', () => {
  const rules = new Map([
    ['circle', parseRule('not rule:circle').check],
    ['bare', parseRule("'x'").check],
  ]);
  const question: Question = {
    credentials: {
      user_id: 'u1',
      roles: ['Admin'],
      is_admin: true,
      token: { roles: [{ id: 'r1' }, { id: 'r2' }] },
      code: '007',
      'is-admin': 'yes',
      'a-05': 'yes',
      'project-tags': 'yes',
    },
    target: { owner: 'u1', state: 'open', number: 7, minus: '-0' },
    asked: 'x',
    rule: (name) => rules.get(name),
    askServer: () => Promise.resolve(false),
  };
  for (const [rule, answer] of ANSWERS) {
    const { check } = parseRule(rule);
    if (answer === 'refused') assert.throws(() => evaluate(check, question), { code: 'PORTICO_POLICY_RULE' }, rule);
    else assert.equal(evaluate(check, question), answer, rule);
  }
});
