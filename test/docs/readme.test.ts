/** Tests the first steps of README.md. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { npm, pack, unpack } from '../e2e/packed.js';
import { freePort, Program, root } from '../e2e/program.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { until } from '../fixtures/until.js';
import { blocksOf, runPage } from './page.js';

test('OP-9 the commands of README.md make a project, test it, serve it and ask it', { timeout: 240_000 }, async (t) => {
  const port = String(await freePort());
  await runPage(t, 'README.md', {
    replace: { '../library': 'library', '8080': port },
    env: { PORTICO_API_BOOKS__PORT: port },
  });
});

test('README.md has the two commands of a clone, which install and serve the sample, and install and test', () => {
  const commands = blocksOf('README.md').map(({ text }) => text);
  assert.ok(commands.includes('npm ci && npm start\n') && commands.includes('npm ci && npm test\n'));
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  assert.deepEqual([scripts.start, scripts.test], ['exec node lib/cli/main.js', 'node test/run.mjs --compile --fast']);
});

/** Leaves out what differs from run to run: figures, blanks and the version of curl. */
const same = (text: string): string =>
  text
    .replaceAll(/curl\/\S+/g, 'curl')
    .replaceAll(/\d[\d.]*/g, '0')
    .replaceAll(/\s+/g, '');

/** Asserts that a command prints what the block of the page shows, up to `…`. */
function assertShown(output: string, block: string): void {
  const [shown = '', more] = block.slice(block.indexOf('\n')).split('…');
  const printed = same(output);
  assert.equal(more === undefined ? printed : printed.slice(0, same(shown).length), same(shown), output);
}

test('the files of README.md run after npm init -y with the published package, and plan, reload and status print what it shows', {
  timeout: 240_000,
}, async (t) => {
  const folder = temporaryFolder('portico-readme-');
  const blocks = blocksOf('README.md');
  const blockOf = (word: string): string => blocks.find(({ words }) => words.includes(word))!.text;
  for (const words of [
    ['init', '-y'],
    ['pkg', 'set', 'type=module'],
  ]) {
    assert.ok(blocks.some(({ text }) => text.includes(`npm ${words.join(' ')}`)));
    const { status, stderr } = await npm(folder, words);
    assert.equal(status, 0, stderr);
  }
  unpack(pack(folder).tarball, folder);
  const port = String(await freePort());
  const write = (name: string, change: (text: string) => string): void => {
    const { text } = blocks.find(({ file }) => file === name)!;
    writeFileSync(join(folder, name), change(text.replace('8080', port)));
  };
  const files = ['books.js', 'api-paste.ini', 'portico.ini'];
  const restore = (): void => {
    for (const name of files) write(name, (text) => text);
  };
  restore();
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, XDG_RUNTIME_DIR: folder };
  const script = join(folder, 'node_modules', 'portico', 'lib', 'cli', 'main.js');
  const portico = (...words: string[]): Promise<string> =>
    new Promise((settle) => {
      execFile(process.execPath, [script, ...words], { cwd: folder, env }, (_, stdout, stderr) =>
        settle(stdout + stderr),
      );
    });

  const service = new Program('sh', ['-c', `exec '${process.execPath}' '${script}' 2> access.log`], {
    cwd: folder,
    env: { XDG_RUNTIME_DIR: folder, PORTICO_DEFAULT__WORKER_TIMEOUT: '8' },
    terminal: false,
  });
  t.after(() => service.end());
  const ask = (path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'user-agent': 'curl/8', connection: 'close' } });
  await until(
    () => ask('/books/7').catch(() => undefined),
    (response) => response?.status === 200,
  );
  for (const id of [8, 12, 7, 9]) assert.deepEqual(await (await ask(`/books/${id}`)).json(), { id, title: 'Emma' });

  for (const words of [
    ['init', '-q', '-b', 'main'],
    ['add', ...files],
    ['commit', '-qm', 'one'],
  ]) {
    const who = ['-c', 'user.name=me', '-c', 'user.email=me@localhost'];
    execFileSync('git', [...who, ...words], { cwd: folder });
  }
  write('books.js', (text) => text.replace("'/books/", "'/v2/books/"));
  write('api-paste.ini', (text) => text.replace('request_id request_log', 'request_log request_id'));
  assertShown(await portico('plan', 'main', '--replay', 'access.log'), blockOf('plan'));

  restore();
  write('portico.ini', (text) => text.replace('workers = 2', 'wrokers = 4'));
  write('api-paste.ini', (text) => text.replace('= request_id', '= request_di'));
  assertShown(await portico('reload'), blockOf('reload'));

  restore();
  const loop = '{\n    for (let page = 1; params.id > 100; page++);\n    return ';
  write('books.js', (text) =>
    text.replace('({ id: params.id,', `${loop}{ id: params.id,`).replace("'Emma' }));", "'Emma' };\n  });"),
  );
  assert.match(await portico('reload'), /^accepted/);
  const stuck = ask('/books/101').catch(() => undefined);
  await until(
    () => commandBeside(['status'], { cwd: folder, env: { XDG_RUNTIME_DIR: folder } }),
    ({ stdout }) => stdout.includes('stuck at'),
  );
  assertShown(await portico('status'), blockOf('stuck'));
  await stuck;
});
