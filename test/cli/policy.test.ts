/** Tests `api-cli policy`, and `[oslo_policy]` in `check`, with an application that registers rules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runApiCli } from '../e2e/program.js';
import { emptyProject } from '../fixtures/project.js';
import { command } from './command.js';

const BOOKS = `import { appFactory, Router } from 'portico';
import { definePolicy } from 'portico/policy';
const rules = definePolicy([
  { name: 'owner', checkStr: 'project_id:%(project_id)s' },
  { name: 'books:list', checkStr: 'role:reader', description: 'List books.\\nAll of them.', scopeTypes: ['project'],
    operations: [{ method: 'GET', path: '/books' }] },
  { name: 'books:delete', checkStr: 'role:admin or rule:owner',
    deprecatedRule: { name: 'books:remove', checkStr: 'role:admin', deprecatedReason: 'A new name.', deprecatedSince: '2.0' } },
  { name: 'books:odd', checkStr: '"a":%(a)s', deprecatedForRemoval: true, deprecatedReason: 'Not used.', deprecatedSince: '3.0' },
]);
export const app = appFactory('books', {}, (_options, { config }) => {
  const policy = rules.load(config);
  const router = new Router();
  router.get('/books', { auth: policy('books:list') }, () => []);
  return router.build();
});
`;

function project(files: Readonly<Record<string, string>>, app = BOOKS) {
  const { folder } = emptyProject({
    'books.js': app,
    'api-paste.ini': '[app:books]\npaste.app_factory = ./books.js:app\n',
    'portico.ini': '[DEFAULT]\nenabled_apis = books\n[api:books]\nport = 8080\n[oslo_policy]\nenforce_scope = true\n',
    ...files,
  });
  return { folder, run: (...words: string[]) => command(words, { cwd: folder }) };
}

test('policy sample prints all rules as comments, with their descriptions, requests and replaced rules', () => {
  const { status, stdout } = project({}).run('policy', 'sample');
  assert.equal(status, 0);
  assert.equal(
    stdout,
    `#"owner": "project_id:%(project_id)s"

# List books.
# All of them.
# GET  /books
# Intended scope(s): project
#"books:list": "role:reader"

#"books:delete": "role:admin or rule:owner"
# DEPRECATED: "books:remove": "role:admin" is deprecated since 2.0
# in favor of "books:delete": "role:admin or rule:owner".
# A new name.
# To keep the old name in use: "books:remove": "rule:books:delete"

# DEPRECATED: "books:odd" is deprecated since 3.0.
# Not used.
#"books:odd": "\\"a\\":%(a)s"
`,
  );
});

test('policy check lists findings in their order, and check refuses those that are errors', () => {
  const { run } = project({ 'policy.yaml': '"books:lits": "role:a"\n"books:list": no\n' });
  const found = `policy.yaml:1:15: warning: the rule "books:lits" is not known to the application
  Did you mean "books:list"?
    "books:lits": "role:a"
                  ^
policy.yaml:2:15: error: the rule "books:list": no is an empty rule in YAML, which would allow everybody
  For a rule that denies everybody write "!" with quotes; for one that allows everybody "@".
    "books:list": no
                  ^
`;
  const { status, stdout } = run('policy', 'check');
  assert.deepEqual([status, stdout], [1, found]);
  const checked = run('check');
  assert.equal(checked.status, 78);
  assert.ok(checked.stdout.includes(found), checked.stdout);
  const { findings } = JSON.parse(run('policy', 'check', '--json').stdout) as { findings: { severity: string }[] };
  const severities = findings.map(({ severity }) => severity);
  assert.deepEqual(severities, ['warning', 'error']);
});

test('with two APIs a rule of one is known, and a rule of none is found', async () => {
  const files = {
    'films.js': BOOKS.replaceAll('books:', 'films:'),
    'api-paste.ini':
      '[app:books]\npaste.app_factory = ./books.js:app\n[app:films]\npaste.app_factory = ./films.js:app\n',
    'portico.ini': '[api:books]\nport = 8080\n[api:films]\nport = 8081\n',
  };
  const known = project({ ...files, 'policy.yaml': '"books:list": "rule:owner"\n"films:list": "rule:films:delete"\n' });
  const { status, stdout } = known.run('policy', 'check');
  assert.deepEqual([status, stdout], [0, 'no errors in 2 rules of policy files\n']);
  const checked = await runApiCli(known.folder, 'check');
  assert.doesNotMatch(checked.stdout + checked.stderr, /not known|not defined/);
  const unknown = project({ ...files, 'policy.yaml': '"films:lits": "role:a"\n' }).run('policy', 'check');
  assert.equal(unknown.status, 1);
  assert.match(
    unknown.stdout,
    /^policy\.yaml:1:15: warning: the rule "films:lits" is not known to the application\n {2}Did you mean/,
  );
  assert.equal(unknown.stdout.match(/not known/g)?.length, 1);
});

test('policy check names a policy file that cannot be read', () => {
  const { status, stdout } = project({ 'policy.yaml/rules.yaml': '' }).run('policy', 'check');
  assert.match(stdout, /^error: the policy file policy\.yaml cannot be read: EISDIR/);
  assert.equal(status, 1);
});

test('a rule that is not understood refuses nothing, and policy check finds it', async () => {
  const { run, folder } = project({ 'policy.yaml': '"books:list": "role:a or b"\n' });
  assert.equal(run('check').status, 0);
  const { status, stdout, stderr } = await runApiCli(folder, 'policy', 'check');
  assert.deepEqual([status, stderr], [1, '']);
  assert.match(stdout, /^policy\.yaml:1:15: warning: .*"b" is not understood, so it denies/);
});

test('policy list-redundant names rules that are equal to those of the application, however written', () => {
  const files = {
    'policy.yaml': 'owner: role:x\n',
    'policy.d/a.yaml': 'books:delete: "((role:admin) or rule:owner)"\n',
  };
  const { run } = project(files);
  assert.equal(run('policy', 'list-redundant').stdout, 'policy.d/a.yaml:1: books:delete\n');
  assert.deepEqual(JSON.parse(run('policy', 'list-redundant', '--json').stdout), {
    rules: [{ name: 'books:delete', place: 'policy.d/a.yaml:1' }],
  });
});

test('without a policy the commands say how an application gets one', () => {
  const app = `import { Router } from 'portico';\nexport const app = () => new Router().build();\n`;
  const { status, stderr } = project({}, app).run('policy', 'sample');
  assert.equal(status, 1);
  assert.match(stderr, /no enabled API has a policy\n {2}An application registers its rules with definePolicy/);
});

test('unknown options of [oslo_policy] are errors with the nearest name', () => {
  const ini = '[DEFAULT]\nenabled_apis = books\n[api:books]\nport = 8080\n[oslo_policy]\nenforce_scop = true\n';
  const { status, stdout } = project({ 'portico.ini': ini }).run('check');
  assert.equal(status, 78);
  assert.match(
    stdout,
    /portico\.ini:6:1: error: \[oslo_policy\] enforce_scop: unknown option\n {2}did you mean 'enforce_scope'\?/,
  );
});
