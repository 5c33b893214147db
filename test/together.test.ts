/** Test files that share a process: each failure names its file, and no file hides what another does. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './fixtures/keeper.js';
import { root } from './fixtures/project.js';

/** Runs test files one after another in one process. */
function together(files: Readonly<Record<string, string>>, options = {}): { status: number | null; output: string } {
  const folder = temporaryFolder('portico-together-');
  const names = Object.keys(files).map((name) => relative(join(root, 'dist-test'), join(folder, `${name}.test.js`)));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const [name, text] of Object.entries(files)) {
    const imports = "import assert from 'node:assert';\nimport { test } from 'node:test';\n";
    writeFileSync(join(folder, `${name}.test.js`), imports + text);
  }
  const driver = pathToFileURL(join(root, 'test', 'together.mjs')).href;
  const program = join(folder, 'all.mjs');
  writeFileSync(
    program,
    `import { together } from '${driver}';\nawait together(${JSON.stringify(names)}, ${JSON.stringify(options)});\n`,
  );
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
  const { status, stdout } = spawnSync(process.execPath, ['--test', '--test-reporter=spec', program], {
    encoding: 'utf8',
    env,
    timeout: 60_000,
  });
  return { status, output: stdout };
}

test('each file is a suite of its name, in the environment and the directory of the run', () => {
  const { status, output } = together({
    changes: "test('changes', () => { process.env.WORD = 'x'; delete process.env.PATH; process.chdir('/'); });",
    finds: `test('finds', () => {
      assert.deepEqual([process.env.WORD, process.env.PATH === undefined, process.cwd() === '/'], [undefined, false, false]);
    });`,
  });
  assert.equal(status, 0, output);
  assert.match(output, /▶ \S*changes\.test\.ts\n\s+✔ changes .*\n✔ \S*changes\.test\.ts/);
  assert.match(output, /pass 2\n/);
});

test('a test that fails and a file that cannot be imported do not keep the others from running', () => {
  const { status, output } = together({
    fails: "test('fails', () => assert.equal(1, 2));",
    broken: "throw new Error('no import');",
    works: "test('works', () => {});",
  });
  assert.equal(status, 1);
  assert.match(output, /✖ \S*fails\.test\.ts[\s\S]*✖ \S*broken\.test\.ts[\s\S]*✔ works/);
  assert.match(output, /Error: no import/);
  assert.match(output, /pass 1\n/);
});

test('a fast file that starts a process fails, even if it hides the error', () => {
  const starts = "const { spawn, execFileSync } = await import('node:child_process');\n";
  const { status, output } = together({
    hides: `${starts}test('hides', () => { try { spawn('true', ['word']); } catch {} });`,
    waits: `${starts}test('waits', () => { try { execFileSync('true'); } catch {} });`,
  });
  assert.equal(status, 1);
  assert.match(output, /✖ \S*hides\.test\.ts starts a process \(true word\)/);
  assert.match(output, /✖ \S*waits\.test\.ts starts a process \(true\)/);
});

test('a file that leaves a handle open, and one that ends the process, are named, and the run fails', () => {
  const leaves =
    "const { createServer } = await import('node:net');\ntest('leaves', () => { createServer().listen(0); });";
  const left = together({ before: "test('before', () => {});", leaves, after: "test('after', () => {});" });
  assert.equal(left.status, 1);
  assert.match(left.output, /a TCPServerWrap keeps the process from ending; it is probably of \S*leaves\.test\.js/);
  assert.match(left.output, /✔ after/);

  const ended = together({ ends: "test('ends', () => process.exit(0));", after: "test('after', () => {});" });
  assert.equal(ended.status, 1);
  assert.match(ended.output, /ends\.test\.ts ended the process. Files after it that did not run: 1/);
});

test('a test that waits for ever ends its file and is named, and the other files run', () => {
  const { status, output } = together(
    {
      hangs: `test('hangs', async (t) => {
          await t.test('part', async () => { await new Promise(() => setInterval(() => {}, 1000)); });
        });`,
      after: "test('after', () => {});",
    },
    { testMs: 500 },
  );
  assert.equal(status, 1);
  assert.match(output, /✖ part/);
  assert.match(output, /hangs\.test\.ts hangs: "hangs" has not ended after 0\.5 s/);
  assert.match(output, /✔ after/);
});
