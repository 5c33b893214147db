/** The page for the person who is woken: every command on it is run, in its order, against a service. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { apiCli, emptyProject, freePort, root, startProject } from './program.js';

const page = readFileSync(join(root, 'docs', 'operations.md'), 'utf8');
const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, text]) => text!.trim().split('\n'));

/** What tells that a command has done what the page says. */
const SAYS: readonly (readonly [command: string, says: RegExp])[] = [
  ['api-cli status', /^compute {2}127\.0\.0\.1:\d+ {2}1 of 1 ready/m],
  ['api-cli requests', /No request is being served/],
  ['/metrics', /^portico_workers_ready\{api="compute"\} 1$/m],
  ['/readyz', /"ready"/],
  ['api-cli report', /compute/],
  ['api-cli explain', /compute_app: a Router of \d+ routes/],
  ['api-cli request ', /^200/m],
  ['api-cli check', /another process listens on port/],
  ['api-cli reload --dry-run', /^would be accepted/m],
  ['api-cli log-level debug', /The log level of compute is debug/],
  ['api-cli log-level info', /The log level of compute is info/],
  ['api-cli restart', /compute: 1 workers replaced/],
  ['api-cli scale', /compute has 2 workers/],
  ['api-cli reload', /^accepted/m],
  ['api-cli stop', /It stops\./],
];

test('every command of docs/operations.md does what the page says, to the stop', { timeout: 240_000 }, async (t) => {
  const [port, admin] = [await freePort(), await freePort()];
  const ini = `[DEFAULT]\nenabled_apis = compute\n[api]\nauth_strategy = noauth\n[api:compute]\nport = ${port}\nworkers = 1\n[admin]\nlisten = 127.0.0.1:${admin}\n[metrics]\nenabled = yes\n`;
  const paste = readFileSync(join(root, 'paste', 'api-paste.ini'), 'utf8');
  const script = `#!/bin/sh\nexec '${process.execPath}' '${apiCli}' "$@"\n`;
  const project = emptyProject({ 'portico.ini': ini, 'api-paste.ini': paste, 'bin/api-cli': script });
  chmodSync(join(project.folder, 'bin', 'api-cli'), 0o755);
  const env = { ...process.env, PATH: `${join(project.folder, 'bin')}:${process.env.PATH}` };
  const program = startProject(t, project);
  await program.printed(/^compute .*http/m);
  assert.equal(commands.length, SAYS.length, commands.join('\n'));
  for (const [at, command] of commands.entries()) {
    const [named, says] = SAYS[at]!;
    assert.ok(command.includes(named), `${command}: the page and this test have the same order`);
    const line = command.replace('127.0.0.1:9100', `127.0.0.1:${admin}`);
    const child = spawn('sh', ['-c', line], { cwd: project.folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text;
    });
    const [status] = (await once(child, 'close')) as [number];
    if (status === 127 && line.startsWith('curl')) {
      t.diagnostic('curl is not installed: its lines are not tested');
      continue;
    }
    assert.equal(status, 0, `${command}\n${said.stdout}${said.stderr}`);
    assert.match(said.stdout, says, command);
  }
  assert.deepEqual(await program.ended, { code: 0, signal: null });
});
