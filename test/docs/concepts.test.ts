/** Tests the three ways to use Portico with the files of docs/concepts.md, in an empty project that depends on the packed package. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { ask } from '../e2e/clients.js';
import { pack, unpack } from '../e2e/packed.js';
import { freePort, Program, startMain, untilEnd } from '../e2e/program.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { blocksOf } from './page.js';

// Created outside of a hook, because directories created in a hook are removed when the hook ends.
const project = temporaryFolder('portico-packed-');
let packed: string[] = [];

before(() => {
  const { tarball, files } = pack(project);
  packed = files;
  unpack(tarball, project);
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }\n');
});

async function writePage(): Promise<number> {
  const port = await freePort();
  for (const { file, text } of blocksOf('docs/concepts.md')) {
    if (file !== undefined) writeFileSync(join(project, file), text.replace('port = 8080', `port = ${port}`));
  }
  return port;
}

test('the package holds what users need and nothing else', () => {
  const wrong = packed.filter(
    (path) =>
      !/^(lib\/.*\.[cm]?js(\.map)?$|src\/.*\.ts$|lib\/shipped-names\.json$|dist\/.*\.d\.ts$|paste\/|examples\/|docs\/([a-z-]+\/)*[\w-]+\.md$|(README|CHANGELOG|LICENSE|SECURITY)(\.md)?$|package\.json$)/.test(
        path,
      ),
  );
  assert.deepEqual(wrong, []);
  assert.ok(packed.includes('lib/index.js') && packed.includes('dist/index.d.ts'));
  assert.ok(packed.includes('paste/api-paste.ini') && packed.includes('paste/portico.ini'));
  assert.ok(existsSync(join(project, 'node_modules', 'portico', 'lib', 'cli', 'main.js')));
});

test('OP-1 PD-155 api-cli serves a pipeline of one’s own app and filter from the page’s files', async (t) => {
  const port = await writePage();
  const main = join(project, 'node_modules/portico/lib/cli/main.js');
  const program = untilEnd(t, new Program(process.execPath, [main], { cwd: project }));
  await program.printed(new RegExp(`^hello\\b.*http://127\\.0\\.0\\.1:${port}\\b.*2 workers`, 'm'));
  const answer = await ask(`http://127.0.0.1:${port}/`);
  assert.equal(answer.text, 'Hello, world\n');
  assert.equal(answer.headers['x-shout'], 'yes');
  assert.match(String(answer.headers['x-request-id']), /^req-/);
  assert.equal(answer.headers['x-openstack-request-id'], undefined);
  await program.stop();
});

test('LC-208 a WSGIService and a Service of one’s own run in one launcher, as the page embeds them', async (t) => {
  const port = await writePage();
  const program = startMain(t, { folder: project });
  for (let tries = 0; ; tries++) {
    const answer = await ask(`http://127.0.0.1:${port}/`).catch(() => undefined);
    if (answer !== undefined) {
      assert.equal(answer.text, 'Hello, world\n');
      break;
    }
    assert.ok(program.child.exitCode === null && tries < 10_000, program.output());
    await new Promise((settle) => setTimeout(settle, 20));
  }
  await program.stop();
});
