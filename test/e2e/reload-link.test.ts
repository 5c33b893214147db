/** Releases behind a link, `current -> v2`: what a reload serves. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { get } from '../fixtures/http-client.js';
import { temporaryFolder } from '../fixtures/keeper.js';
import { apiCli, freePort, type Outcome, Program } from './program.js';

test('a reload follows the link that the service was started in, and needs the release before no longer', {
  timeout: 60_000,
}, async (t) => {
  const base = temporaryFolder('portico-releases-');
  const current = join(base, 'current');
  const port = await freePort();
  const release = (name: string, ini = ''): void => {
    mkdirSync(join(base, name));
    const files = {
      'package.json': '{ "type": "module" }',
      'app.js': `export const app = () => (req, res) => res.end(JSON.stringify(['${name}', process.pid]));`,
      'api-paste.ini': '[app:shop]\npaste.app_factory = ./app.js:app\n',
      'portico.ini': `[DEFAULT]\n${ini}\n[api:shop]\nport = ${port}\nworkers = 1\n`,
    };
    for (const [file, text] of Object.entries(files)) writeFileSync(join(base, name, file), text);
  };
  const show = (name: string): void => {
    symlinkSync(name, join(base, 'next'));
    renameSync(join(base, 'next'), current);
  };
  const env = { PWD: current };
  const cli = async (...words: string[]): Promise<Outcome> => {
    const program = new Program(process.execPath, [apiCli, ...words], { cwd: current, env });
    const { code } = await program.ended;
    return { status: code!, stdout: program.stdout, stderr: program.stderr };
  };
  /** The process that serves this release; the worker that was replaced last may still take a connection. */
  const serving = async (name: string): Promise<number> => {
    for (;;) {
      const [by, pid] = (await get<[string, number]>(port, '/')).body;
      if (by === name) return pid;
    }
  };

  release('v1');
  show('v1');
  const program = new Program(process.execPath, [apiCli], { cwd: current, env });
  t.after(() => program.end());
  await program.printed(/"event":"ready"/);
  await serving('v1');

  release('v2');
  show('v2');
  const accepted = await cli('reload');
  assert.equal(accepted.status, 0, accepted.stdout + accepted.stderr);
  const worker = await serving('v2');

  rmSync(join(base, 'v1'), { recursive: true });
  const from = program.output().length;
  process.kill(worker, 'SIGKILL');
  await program.printed(/"event":"worker_ready"/, from);
  await serving('v2');

  // One that is refused changes nothing, the working directory neither.
  release('v3', 'graceful_shutdown_timeout = soon');
  show('v3');
  assert.equal((await cli('reload')).status, 1);
  const { stdout } = await cli('status', '--json');
  assert.match(stdout, /"folder": ".*\/v2"/);
  await serving('v2');
});
