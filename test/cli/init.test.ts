/** `api-cli init` from the packed package: its project is installed, tested, checked and served. */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, isAbsolute, join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { compile } from '../docs/compiler.js';
import { blocksOf } from '../docs/page.js';
import { environmentOf, install, npm, pack, unpack } from '../e2e/packed.js';
import { emptyProject, freePort, Program, root } from '../e2e/program.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { ts } from '../fixtures/typescript.js';
import { command } from './command.js';

const runsTypes = Boolean((process.features as { readonly typescript?: string | false }).typescript);
const place = temporaryFolder('portico-init-');
let tarball = '';

before(() => {
  tarball = pack(place).tarball;
  // Without a package.json npm would use a parent folder as the project.
  writeFileSync(join(place, 'package.json'), '{ "private": true }\n');
});

/** Creates a project in JavaScript with the installed package, then installs its dependencies. Undefined if no registry is reachable. */
async function installedProject(t: TestContext): Promise<string | undefined> {
  const env = environmentOf(process.execPath);
  if (!(await install(t, place, [tarball], env))) return undefined;
  const said = execFileSync('npx', ['api-cli', 'init', 'library', '--javascript'], {
    cwd: place,
    env,
    encoding: 'utf8',
  });
  assert.match(said, /Next:\n {2}cd library\n {2}npm install\n {2}npm test\n {2}npm run dev /);
  const folder = join(place, 'library');
  assert.equal(porticoOf(folder), `file:../${basename(tarball)}`);
  // The same packages are there already: npm has to find what the project lacks, and removes what it does not depend on.
  execFileSync('cp', ['-a', join(place, 'node_modules'), folder]);
  return (await install(t, folder, [], env)) ? folder : undefined;
}

/** The version of `portico` in a project's package.json. */
function porticoOf(folder: string): string {
  const manifest: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return (manifest as { dependencies: { portico: string } }).dependencies.portico;
}

/** The steps of a new user, which pages of docs take in TypeScript: test, check, start, send a request, make an error in a file, stop. */
async function use(folder: string): Promise<void> {
  const port = await freePort();
  const env = {
    ...environmentOf(process.execPath),
    PORTICO_API_BOOKS__PORT: String(port),
    PORTICO_API_BOOKS__WORKERS: '1',
  };
  const tested = await npm(folder, ['test'], env);
  assert.equal(tested.status, 0, tested.stdout + tested.stderr);
  assert.match(tested.stdout, /pass 4/);
  const checked = await npm(folder, ['run', 'check'], env);
  assert.equal(checked.status, 0, checked.stdout + checked.stderr);

  const program = new Program('npm', ['start'], { cwd: folder, env });
  try {
    await program.printed(/Ready after/);
    const answer = await fetch(`http://127.0.0.1:${port}/books`, { headers: { connection: 'close' } });
    assert.deepEqual(await answer.json(), { books: [{ id: '1', title: 'Emma', year: 1815 }] });
    assert.equal(answer.headers.get('cache-control'), 'private, max-age=60');
    assert.doesNotMatch(program.output(), /"level":"(warn|error)"|ExperimentalWarning/);
    await program.stop();
  } finally {
    await program.end();
  }

  const paste = join(folder, 'api-paste.ini');
  writeFileSync(paste, readFileSync(paste, 'utf8').replace('max_age =', 'max_agee ='));
  const refused = await npm(folder, ['start'], env);
  assert.equal(refused.status, 78, refused.stdout + refused.stderr);
  assert.match(refused.stderr, /api-paste\.ini:\d+:1: .*max_agee[\s\S]*did you mean 'max_age'\?/);
  assert.ok(readdirSync(join(folder, 'app')).every((name) => name.endsWith('.js')));
}

test('OP-9 a project in JavaScript is installed, tested, served, and says which option is wrong', {
  skip: !runsTypes && 'on this Node the commands of README.md, which are tested too, make one',
  timeout: 240_000,
}, async (t) => {
  const folder = await installedProject(t);
  if (folder !== undefined) await use(folder);
});

test('a Node that does not run TypeScript gets JavaScript, and is told why', {
  skip: runsTypes && 'this Node runs TypeScript',
}, () => {
  const project = emptyProject({});
  const { stdout, status } = command(['init', 'library'], { cwd: project.folder });
  assert.equal(status, 0);
  assert.match(stdout, /^A project in JavaScript: Node \S+ does not run TypeScript; 22\.18 or newer does\n/);
  assert.ok(readdirSync(join(project.folder, 'library/app')).includes('books.js'));
});

test('a directory that is not empty is refused with what is in it, but for .git and what npm made', () => {
  const project = emptyProject({ 'new/.git/HEAD': 'ref: refs/heads/main\n', 'a file': '' });
  const inTheWay = command(['init'], { cwd: project.folder });
  assert.equal(inTheWay.status, 2);
  assert.match(inTheWay.stderr, /^this directory is not empty: it has a file, new$/m);
  assert.match(inTheWay.stderr, /api-cli init library/);
  assert.match(command(['init', 'a file'], { cwd: project.folder }).stderr, /a file is a file/);
  assert.equal(command(['init', 'new'], { cwd: project.folder }).status, 0);
});

test('a directory that cannot be made is refused with the reason, also where Node would try for ever', {
  skip: !existsSync('/proc/self') && 'there is no /proc',
}, () => {
  const file = command(['init', '/dev/null/x'], { cwd: place });
  assert.equal(file.status, 2);
  assert.match(file.stderr, /^\/dev\/null\/x cannot be made: \/dev\/null is a file\n {2}Choose a directory/m);
  const system = command(['init', '/proc/x/y'], { cwd: place });
  assert.equal(system.status, 2);
  assert.match(system.stderr, /^\/proc\/x cannot be made: ENOENT.*\n {2}Choose a directory/m);
});

test('AT-20 a package.json that is a link is refused, and its target stays as it was', () => {
  const project = emptyProject({ 'theirs.json': '{}', 'new/.git/HEAD': '' });
  const theirs = join(project.folder, 'theirs.json');
  for (const target of [theirs, join(project.folder, 'nothing.json')]) {
    symlinkSync(target, join(project.folder, 'new/package.json'));
    const { status, stderr } = command(['init', 'new'], { cwd: project.folder });
    assert.equal(status, 2, stderr);
    assert.match(stderr, /^new\/package.json is a link/);
    rmSync(join(project.folder, 'new/package.json'));
  }
  assert.deepEqual([readFileSync(theirs, 'utf8'), readdirSync(join(project.folder, 'new'))], ['{}', ['.git']]);
});

test('a project goes beside package.json and node_modules, and keeps what stands there', () => {
  const manifest = {
    name: 'mine',
    version: '2.0.0',
    scripts: { test: 'echo "Error: no test specified" && exit 1', lint: 'x' },
  };
  const project = emptyProject({ 'package.json': JSON.stringify({ ...manifest, dependencies: { portico: '1.2.3' } }) });
  writeFileSync(
    join(project.folder, 'package.json'),
    JSON.stringify({ ...manifest, dependencies: { portico: '1.2.3' } }),
  );
  const { status, stderr } = command(['init', '.', '--javascript'], { cwd: project.folder });
  assert.equal(status, 0, stderr);
  const made = JSON.parse(readFileSync(join(project.folder, 'package.json'), 'utf8'));
  assert.deepEqual(
    { name: made.name, version: made.version, type: made.type, portico: made.dependencies.portico },
    { name: 'mine', version: '2.0.0', type: 'module', portico: '1.2.3' },
  );
  assert.deepEqual(
    { test: made.scripts.test, lint: made.scripts.lint, dev: made.scripts.dev },
    { test: 'node --test', lint: 'x', dev: 'exec api-cli --dev' },
  );
  assert.match(readFileSync(join(project.folder, '.dockerignore'), 'utf8'), /^node_modules$/m);
});

test('a clone, which no registry has, is depended on by its path', () => {
  const project = emptyProject({});
  const folder = join(project.folder, 'My API');
  assert.equal(command(['init', 'My API'], { cwd: project.folder }).status, 0);
  assert.equal(join(folder, porticoOf(folder).replace('file:', '')), root);
  assert.match(readFileSync(join(folder, 'package.json'), 'utf8'), /"name": "my-api"/);
});

test('a package that came from a registry is depended on by its version', () => {
  const folder = temporaryFolder('portico-registry-');
  unpack(tarball, folder);
  execFileSync(process.execPath, [join(folder, 'node_modules/portico/lib/cli/main.js'), 'init', 'library'], {
    cwd: folder,
  });
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
  assert.equal(porticoOf(join(folder, 'library')), `^${version}`);
});

test('AU-11 the types of a plugin of Fastify compile in a project whose Portico is linked from a clone', () => {
  const { folder } = emptyProject({});
  cpSync(join(root, 'paste/init/typescript'), folder, { recursive: true });
  // npm installs the plugin into the project, where no fastify is.
  for (const name of ['@fastify/cookie', '@types/node']) {
    cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  }
  const { text } = blocksOf('docs/how-to/fastify-plugins.md').find(({ file }) => file === 'visits.ts')!;
  writeFileSync(join(folder, 'app/visits.ts'), text);
  const lines = compile('-p', folder, '--listFiles').trim().split('\n');
  assert.deepEqual(
    lines.filter((line) => !isAbsolute(line)),
    [],
  );
  assert.equal(lines.filter((path) => path.startsWith(folder) && !path.includes('node_modules')).length, 4);
});

test('the two languages say the same', () => {
  const template = join(root, 'paste/init');
  const options = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext, removeComments: true };
  const bare = (file: string): string => {
    const { outputText } = ts.transpileModule(readFileSync(join(template, file), 'utf8'), { compilerOptions: options });
    return outputText.replaceAll(/\s+/g, ' ');
  };
  for (const name of ['app/books', 'app/cache-control', 'test/books.test']) {
    assert.equal(bare(`javascript/${name}.js`), bare(`typescript/${name}.ts`), name);
  }
});

test('a link to an empty directory is as good as one, and names of others write no separate lines', () => {
  const { folder } = emptyProject({});
  mkdirSync(join(folder, 'real'));
  symlinkSync(join(folder, 'real'), join(folder, 'link'));
  const made = command(['init', 'link', '--javascript'], { cwd: folder });
  assert.equal(made.status, 0, made.stderr);
  assert.ok(readdirSync(join(folder, 'real')).includes('app'));
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full', 'a\u001b[31m\nerror: b'), '');
  const { status, stderr } = command(['init', 'full'], { cwd: folder });
  assert.equal(status, 2);
  assert.match(
    stderr,
    /^full is not empty: it has a\\u001b\[31m\\nerror: b\n {2}Choose a new or empty directory: api-cli init full-2\.$/m,
  );
});
