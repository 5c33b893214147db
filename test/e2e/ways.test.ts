/**
 * The README's three ways to use Portico, with the README's own files, in an empty project that depends on the packed
 * package.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { removeFolder, temporaryFolder } from '../fixtures/keeper.js';
import { ask } from './clients.js';
import { freePort, Program, root } from './program.js';

// Made out here: what is kept for a hook ends with the hook.
const project = temporaryFolder('portico-packed-');
let packed: string[] = [];

/** The README's code blocks whose first line names a file, by that name. */
function readmeFiles(): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, text] of readFileSync(join(root, 'README.md'), 'utf8').matchAll(/```(?:js|ini)\n([\s\S]*?)```/g)) {
    const name = /^(?:\/\/|#) (\S+)\n/.exec(text!)?.[1];
    if (name !== undefined) files.set(name, text!);
  }
  return files;
}

before(() => {
  const report = execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const parsed: unknown = JSON.parse(report);
  const [entry] = Array.isArray(parsed) ? parsed : Object.values(parsed as object);
  const { filename, files } = entry as { filename: string; files: { path: string }[] };
  packed = files.map(({ path }) => path);

  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'portico'), { recursive: true });
  execFileSync('tar', ['-xzf', join(project, filename), '-C', join(modules, 'portico'), '--strip-components=1']);
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (!name.startsWith('.')) symlinkSync(join(root, 'node_modules', name), join(modules, name));
  }
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
});

after(() => removeFolder(project));

async function writeReadme(): Promise<number> {
  const port = await freePort();
  for (const [name, text] of readmeFiles()) {
    writeFileSync(join(project, name), text.replace('port = 8080', `port = ${port}`));
  }
  return port;
}

test('the package holds what users need and nothing else', () => {
  const wrong = packed.filter(
    (path) =>
      !/^(lib\/.*\.js(\.map)?$|dist\/.*\.d\.ts$|paste\/|src\/([a-z]+\/)*README\.md$|(README|CHANGELOG|LICENSE)(\.md)?$|package\.json$)/.test(
        path,
      ),
  );
  assert.deepEqual(wrong, []);
  assert.ok(packed.includes('lib/index.js') && packed.includes('dist/index.d.ts'));
  assert.ok(packed.includes('paste/api-paste.ini') && packed.includes('paste/portico.ini'));
  assert.ok(existsSync(join(project, 'node_modules', 'portico', 'lib', 'cli', 'main.js')));
});

test('OP-1 PD-155 api-cli serves a pipeline of one’s own app and filter from the README’s files', async () => {
  const port = await writeReadme();
  const program = new Program(process.execPath, [join(project, 'node_modules/portico/lib/cli/main.js')], {
    cwd: project,
  });
  try {
    await program.printed(new RegExp(`^hello\\b.*http://127\\.0\\.0\\.1:${port}\\b.*2 workers`, 'm'));
    const answer = await ask(`http://127.0.0.1:${port}/`);
    assert.equal(answer.text, 'Hello, world\n');
    assert.equal(answer.headers['x-shout'], 'yes');
    assert.match(String(answer.headers['x-openstack-request-id']), /^req-/);
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  } finally {
    await program.end();
  }
});

test('LC-208 a WSGIService and a Service of one’s own run in one launcher, as the README embeds them', async () => {
  const port = await writeReadme();
  const program = new Program(process.execPath, ['main.js'], { cwd: project });
  try {
    for (let tries = 0; ; tries++) {
      const answer = await ask(`http://127.0.0.1:${port}/`).catch(() => undefined);
      if (answer !== undefined) {
        assert.equal(answer.text, 'Hello, world\n');
        break;
      }
      assert.ok(program.child.exitCode === null && tries < 10_000, program.output());
      await new Promise((settle) => setTimeout(settle, 20));
    }
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: 0, signal: null });
  } finally {
    await program.end();
  }
});
