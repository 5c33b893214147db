/** Operator commands find the running service without the path of its socket. */
import assert from 'node:assert/strict';
import { mkdtempSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { emptyProject, type Outcome, Program, untilEnd } from '../../e2e/program.js';
import { removeFolder, temporaryFolder } from '../../fixtures/keeper.js';
import { commandBeside } from '../command.js';

const MAIN = `
import { Config, launch, runMain } from 'portico';
import { Service } from 'portico/service';
class Idle extends Service { name = 'idle'; }
await runMain(async () => (await launch(new Idle(), { config: await Config.load() })).wait());
`;

/** The folder for sockets of system services: below /run, as systemd does, if this user may write there. */
function systemDirectory(t: TestContext, else_: string): string {
  if (process.geteuid?.() !== 0) {
    t.diagnostic('this user makes no directory in /run: its own runtime directory is searched alone');
    return else_;
  }
  const path = mkdtempSync('/run/portico-test-');
  t.after(() => removeFolder(path));
  return path;
}

test('OP-41 status finds the service by its folder or its configuration, or because no other runs; it lists several; stop takes none that is not named', async (t) => {
  const own = temporaryFolder('portico-runtime-');
  const env = { XDG_RUNTIME_DIR: own };
  const project = () => {
    const made = emptyProject({
      'main.js': MAIN,
      'api-cli.js': MAIN,
      'portico.ini': '[DEFAULT]\n',
      'other.ini': '[DEFAULT]\n',
    });
    return made.folder;
  };
  const start = async (folder: string, words: readonly string[], more?: NodeJS.ProcessEnv): Promise<Program> => {
    const program = untilEnd(t, new Program(process.execPath, words, { cwd: folder, env: { ...env, ...more } }));
    await program.printed(/"event":"control"/);
    return program;
  };
  const run = (folder: string, ...words: string[]): Promise<Outcome> => commandBeside(words, { cwd: folder, env });
  const status = (folder: string, ...words: string[]): Promise<Outcome> => run(folder, 'status', ...words);
  const [served, other, elsewhere] = [project(), project(), temporaryFolder('portico-elsewhere-')];
  const first = await start(served, ['main.js'], { RUNTIME_DIRECTORY: systemDirectory(t, own) });
  const file = join(served, 'portico.ini');
  const [byFiles, alone, not, sharing] = await Promise.all([
    status(elsewhere, '--config-file', file),
    status(elsewhere),
    status(other),
    status(elsewhere, '--config-file', file, '--config-file', join(other, 'portico.ini')),
  ]);
  for (const { stdout, stderr } of [byFiles, alone])
    assert.match(stdout, new RegExp(`^main .*pid ${first.pid}`), stderr);
  // No service is found by another configuration, nor by one that shares a file and has another.
  for (const { status, stderr } of [not, sharing]) {
    assert.equal(status, 1);
    assert.match(stderr, new RegExp(`the file does not exist\n.*Others run: main \\(pid ${first.pid}, ${served}`));
  }

  const second = await start(other, ['api-cli.js', '--config-file', 'other.ini']);
  renameSync(join(served, 'portico.ini'), join(served, 'gone.ini'));
  const [here, several, configured] = await Promise.all([status(served), status(elsewhere), status(other)]);
  assert.match(here.stdout, new RegExp(`^main .*pid ${first.pid}`), here.stderr);
  assert.equal(several.status, 1);
  assert.match(several.stderr, /^several services run: /);
  for (const { pid } of [first, second])
    assert.match(several.stderr, new RegExp(`(?:main|api-cli) \\(pid ${pid}, /.*: --socket /`));
  // The portico.ini of this folder belongs to another service than the one started here with other.ini.
  assert.match(configured.stderr, /the file does not exist\n.*Others run: .*other\.ini/);

  // A command that changes a service needs its name.
  await second.end();
  const changes = [['stop'], ['reload'], ['scale', 'hello', '2'], ['restart', 'hello'], ['log-level', 'debug']];
  for (const unnamed of await Promise.all(changes.map((words) => run(elsewhere, ...words)))) {
    assert.equal(unnamed.status, 1);
    assert.match(unnamed.stderr, new RegExp(`the file does not exist\\n.*Others run: main \\(pid ${first.pid}`));
  }
  const stopped = await run(served, 'stop');
  assert.equal(stopped.status, 0, stopped.stderr);
  await first.ended;
});
