import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';
import { emptyProject } from '../fixtures/project.js';
import { FILES, type Repository, repository } from '../plan/project.js';
import { command } from './command.js';

let project: Repository;
before(() => {
  project = repository();
  project.edit('app.js', "required: ['room']", "required: ['room', 'guest']");
  project.edit(
    'app.js',
    "  router.connect('/rooms/{id}', { controller: 'rooms', action: 'show', conditions: { method: ['GET'] } });\n",
    '',
  );
  project.edit('api-paste.ini', 'request_id sizelimit bookings_app', 'sizelimit request_id bookings_app');
  project.edit('portico.ini', 'max_queue = 1000', 'max_queue = 100');
});

const plan = (...words: string[]) => command(['plan', ...words], { cwd: project.folder });

test('a revision against the working tree: the list, the sum and status 3; no worktree is left', () => {
  const temporary = join(project.folder, 'node_modules', 'tmp');
  mkdirSync(temporary);
  const { status, stdout, stderr } = command(['plan', 'main'], { cwd: project.folder, env: { TMPDIR: temporary } });
  assert.equal(stderr, '');
  assert.equal(
    stdout,
    `Breaking
  - GET /v1/rooms/{id}  removed                                                 was app.js:16
  ~ POST /v1/bookings   body.guest is required now                              app.js:16
To look at
  ~ pipeline main       request_id moves inside sizelimit                       api-paste.ini:6
  ~ [wsgi] max_queue    1000 -> 100                        applied by a reload  portico.ini:7:13
2 breaking, 2 to look at · exit status 3
`,
  );
  assert.equal(status, 3);
  assert.equal(project.git('worktree', 'list').trim().split('\n').length, 1);
  assert.deepEqual(readdirSync(temporary), []);
});

test('--json: both places, the class and the rule of each difference', () => {
  const { status, stdout } = plan('--json');
  const { schema, before: from, after: to, counts, differences } = JSON.parse(stdout) as Record<string, unknown>;
  assert.deepEqual([schema, from, to], ['portico/plan', 'HEAD', 'the working tree']);
  assert.deepEqual(counts, { breaking: 2, 'to look at': 2, compatible: 0 });
  assert.deepEqual((differences as object[])[1], {
    class: 'breaking',
    change: 'changed',
    rule: 'request-member-became-required',
    api: 'bookings',
    subject: 'POST /v1/bookings',
    route: 'POST /v1/bookings',
    text: 'body.guest is required now',
    value: ['body', 'guest'],
    effect: null,
    old: 'app.js:17',
    new: 'app.js:16',
  });
  assert.equal(status, 3);
});

test('two revisions, and two directories', () => {
  assert.deepEqual(plan('main...HEAD').stdout, 'No differences.\n');
  const same = plan('main..HEAD');
  assert.deepEqual(same, { status: 0, stdout: 'No differences.\n', stderr: '' });
  const other = emptyProject(FILES);
  const { status, stdout } = plan(other.folder, '.');
  assert.match(stdout, /2 breaking, 2 to look at/);
  assert.equal(status, 3);
  assert.match(plan('.', other.folder).stdout, /\+ GET \/v1\/rooms\/\{id\} +new +app\.js:16/);
});

test('plan: the names of branches in a range may have slashes, and three dots need a common commit', () => {
  project.git('branch', 'feature/x/y');
  assert.deepEqual(plan('main...feature/x/y'), { status: 0, stdout: 'No differences.\n', stderr: '' });
  assert.match(plan('main...feature/x/z').stderr, /no revision feature\/x\/z, .*\n {2}Did you mean "feature\/x\/y"\?/);
  const alone = project.git('commit-tree', '-m', 'alone', 'main^{tree}').trim();
  project.git('branch', 'alone', alone);
  assert.deepEqual(plan('main...alone'), {
    status: 1,
    stdout: '',
    stderr: 'main and alone have no common commit\n  Write two dots to compare them as they are: main..alone\n',
  });
});

test('CF-99 two configurations of one directory', () => {
  writeFileSync(join(project.folder, 'next.ini'), FILES['portico.ini']!.replace('port = 8099', 'port = 8100'));
  const { status, stdout } = plan(
    '--old-config-file',
    'portico.ini',
    '--config-file',
    'next.ini',
    '--set',
    'wsgi.max_queue=7',
  );
  assert.match(
    stdout,
    /~ api bookings +listens on 127\.0\.0\.1:8100, and no longer on 127\.0\.0\.1:8099 +needs a restart/,
  );
  assert.equal(status, 3);
  writeFileSync(
    join(project.folder, 'next.ini'),
    `${FILES['portico.ini']}tcp_keepidle = 100\nkeep_alive_timeout = x\n`,
  );
  const refused = plan('--old-config-file', 'portico.ini', '--config-file', 'next.ini');
  assert.match(refused.stderr, /^next\.ini cannot be built:\n {4}next\.ini:9:22: error: \[wsgi\] keep_alive_timeout/);
  writeFileSync(join(project.folder, 'next.ini'), `${FILES['portico.ini']}tcp_keepidle = 100\n`);
  const {
    before: from,
    after: to,
    differences,
  } = JSON.parse(plan('--old-config-file', 'portico.ini', '--config-file', 'next.ini', '--json').stdout);
  assert.deepEqual([from, to], ['portico.ini', 'next.ini']);
  assert.match(JSON.stringify(differences), /"\[wsgi\] tcp_keepidle".*"600 -> 100".*"next\.ini:8:16"/);
});

test('an unknown revision is refused with the nearest one, a directory outside a repository with what to do', () => {
  project.git('branch', 'release');
  const unknown = plan('relaese');
  assert.equal(unknown.status, 1);
  assert.equal(
    unknown.stderr,
    'the repository has no revision relaese, and there is no such directory\n  Did you mean "release"?\n',
  );
  const { folder } = emptyProject(FILES);
  const outside = command(['plan', 'main'], { cwd: folder, env: { GIT_CEILING_DIRECTORIES: tmpdir() } });
  assert.match(outside.stderr, /^main is no directory, and .* is not in a git repository\n {2}Change to/);
  assert.equal(outside.status, 1);
});

test('plan --markdown: why nothing was compared is on standard output too', () => {
  project.git('branch', 'absent');
  const unknown = plan('absnt', '--markdown');
  const fenced = (text: string): string => `### ❌ API: not compared\n\n\`\`\`text\n${text}\`\`\`\n`;
  assert.match(unknown.stderr, /^the repository has no revision absnt,/);
  assert.deepEqual([unknown.status, unknown.stdout], [1, fenced(unknown.stderr)]);
  const broken = plan('main', '--set', 'wsgi.max_queue=many', '--markdown');
  assert.match(broken.stderr, /^main cannot be built:\n {4}.*max_queue/);
  assert.deepEqual([broken.status, broken.stdout], [1, fenced(broken.stderr)]);
});

test('plan: a shallow clone is deepened for a parent, and an empty repository needs a commit', () => {
  const clone = temporaryFolder('portico-shallow-');
  project.git('clone', '--quiet', '--depth=1', `file://${project.folder}`, clone);
  const hintOf = (name: string): string => command(['plan', name], { cwd: clone }).stderr.split('\n')[1]!.trim();
  assert.match(hintOf('HEAD^1..HEAD'), /shallow clone: .* git fetch --deepen=1, .* fetch-depth: 2\.$/);
  assert.match(hintOf('HEAD~2^..HEAD'), /git fetch --deepen=3, .* fetch-depth: 4\.$/);
  assert.match(hintOf('v1.2'), /git fetch origin v1\.2,/);
  const { folder } = emptyProject(FILES);
  project.git('init', '--quiet', folder);
  assert.deepEqual(command(['plan'], { cwd: folder }).stderr.split('\n').slice(1), [
    '  It has no commits: commit the first state.',
    '',
  ]);
});

test('a state that cannot be built: its errors, and which of both it is', () => {
  project.git('branch', 'broken');
  const broken = repository({
    ...FILES,
    'api-paste.ini': FILES['api-paste.ini']!.replace('pipeline = request_id', 'pipeline = request_ids'),
    'portico.ini': FILES['portico.ini']!.replace('1000', 'many'),
  });
  for (const name of ['api-paste.ini', 'portico.ini']) writeFileSync(join(broken.folder, name), FILES[name]!);
  const { status, stderr } = command(['plan', 'main'], { cwd: broken.folder });
  assert.match(stderr, /^main cannot be built:\n[\s\S]*^ {4}api-paste\.ini:7:12: .*request_ids/m);
  assert.match(stderr, /Did you mean "request_id"\?/);
  assert.match(stderr, /portico\.ini:7:13: .*max_queue/);
  assert.equal(status, 1);
  assert.equal(broken.git('worktree', 'list').trim().split('\n').length, 1);
});

test('plan: what check refuses in the state after is an error; warnings, certificates and the log file of the servers are none', () => {
  const owned = repository();
  const written = (...edits: readonly (readonly [from: string, to: string])[]) => {
    const ini = edits.reduce((text, [from, to]) => text.replace(from, to), FILES['portico.ini']!);
    writeFileSync(join(owned.folder, 'portico.ini'), ini);
    return command(['plan', 'main'], { cwd: owned.folder });
  };
  const refused = written(['workers = 1', 'wrokers = 4'], ['[DEFAULT]', '[DEFAULT]\nmax_requests = 5']);
  assert.match(refused.stderr, /^the working tree cannot be built:\n/);
  assert.match(refused.stderr, /^ {4}portico\.ini:6:1: error: \[api:bookings\] wrokers: /m);
  assert.match(refused.stderr, /^ {4}portico\.ini:2:1: error: \[DEFAULT\] max_requests: /m);
  assert.deepEqual([refused.status, refused.stdout], [1, '']);
  const ghost = written(['= bookings', '= bookings, ghost']);
  assert.match(ghost.stderr, /portico\.ini:2:26: error: .*no app is called "ghost"/);
  assert.equal(ghost.status, 1);
  // As a start, it reports a section of an API that is not enabled, and goes on.
  const warned = written(['[wsgi]', '[api:other]\npipeline = main\n[wsgi]']);
  assert.deepEqual(warned, { status: 0, stdout: 'No differences.\n', stderr: '' });
  const elsewhere = written([
    '= bookings',
    '= bookings\nenabled_ssl_apis = bookings\nlog_file = /nowhere/portico/api.log\n[ssl]\ncert_file = /nowhere/cert.pem\nkey_file = /nowhere/key.pem',
  ]);
  assert.equal(elsewhere.stderr, '');
  assert.match(elsewhere.stdout, /HTTP -> HTTPS/);
  // The state before serves already.
  written(['workers = 1', 'wrokers = 4']);
  owned.git('commit', '--quiet', '--all', '--message=unknown');
  assert.match(written().stdout, /No differences|workers/);
});

test('plan: a working tree of the user whose directory is absent stays known to git', () => {
  const owned = repository();
  const absent = join(owned.folder, 'node_modules', 'absent');
  owned.git('worktree', 'add', '--quiet', absent, '-b', 'absent');
  rmSync(absent, { recursive: true });
  assert.deepEqual(command(['plan', 'main'], { cwd: owned.folder }).status, 0);
  const known = owned.git('worktree', 'list').trim().split('\n');
  assert.equal(known.length, 2, known.join('\n'));
  assert.match(known[1]!, /absent/);
});

test('another lock file: both states have the installed packages, and it says so', () => {
  const locked = repository({ ...FILES, 'package-lock.json': '{}\n' });
  writeFileSync(join(locked.folder, 'package-lock.json'), '{ "lockfileVersion": 3 }\n');
  const { status, stdout, stderr } = command(['plan', 'main'], { cwd: locked.folder });
  assert.equal(
    stderr,
    'note: package-lock.json of main differs: both states are built with the packages that are installed here\n',
  );
  assert.deepEqual([status, stdout], [0, 'No differences.\n']);
});

test('--prepare makes what the repository does not hold; packages of the repository are those of the revision', () => {
  const files = {
    ...FILES,
    '.gitignore': 'node_modules\nmade.js\n',
    'api-paste.ini': FILES['api-paste.ini']!.replace('./app.js:app', './made.js:app'),
    'packages/lib/package.json': '{ "name": "lib", "type": "module", "exports": "./index.js" }\n',
    'packages/lib/index.js': 'export const status = 201;\n',
    'app.js': `import { status } from 'lib';\n${FILES['app.js']!.replace('status: 201', 'status')}`,
  };
  const built = repository(files);
  symlinkSync(join('..', 'packages', 'lib'), join(built.folder, 'node_modules', 'lib'), 'dir');
  mkdirSync(join(built.folder, 'node_modules', '@scope'));
  writeFileSync(join(built.folder, 'made.js'), "export { app } from './app.js';\n");
  built.edit('packages/lib/index.js', '201', '202');
  const without = command(['plan', 'main'], { cwd: built.folder });
  assert.match(without.stderr, /main cannot be built:[\s\S]*made\.js[\s\S]*--prepare "npm run build"/);
  const prepare = 'cp app.js made.js';
  const { status, stdout } = command(['plan', 'main', '--prepare', prepare], { cwd: built.folder });
  assert.match(stdout, /POST \/v1\/bookings +status 201 no longer occurs/);
  assert.equal(status, 3);
  const failed = command(['plan', 'main', '--prepare', 'exit 4'], { cwd: built.folder });
  assert.match(failed.stderr, /^main cannot be prepared: exit 4 ended with 4\n/);
  assert.equal(existsSync(join(built.folder, 'made.js')), true);
});

test('plan: routes whose paths differ only in their variables are compared each, and the same ones have no differences', () => {
  const pair = (body: string): string => `
  const order = { type: 'object', properties: { item: { type: 'string' }, count: { type: 'integer' } }, required: ['item'] };
  router.get('/items/{id:int}', () => 1);
  router.get('/items/{name}', () => 2);
  router.post('/orders/{id:int}', { body: order }, () => 3);
  router.post('/orders/{name}', { body: ${body} }, () => 4);
`;
  const shop = repository({
    ...FILES,
    'app.js': FILES['app.js']!.replace('  return router.build();', `${pair('order')}  return router.build();`),
  });
  const compared = (...words: string[]) => command(['plan', ...words], { cwd: shop.folder });
  assert.deepEqual(compared('HEAD', 'HEAD'), { status: 0, stdout: 'No differences.\n', stderr: '' });
  shop.edit('app.js', "  router.get('/items/{name}', () => 2);\n", '');
  shop.edit(
    'app.js',
    pair('order').split('\n').at(-2)!,
    pair("{ ...order, required: ['item', 'count'] }").split('\n').at(-2)!,
  );
  const { status, stdout } = compared();
  assert.deepEqual(
    [status, stdout.replaceAll(/ {2,}\S+:\d+$| {2,}was \S+$/gm, '')],
    [
      3,
      `Breaking
  - GET /v1/items/{name}    removed
  ~ POST /v1/orders/{name}  body.count is required now
2 breaking · exit status 3
`,
    ],
  );
});
