/** Node prints no warning about Portico, in any version. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { ask } from './clients.js';
import { apiCli, emptyProject, freePort, Program, untilEnd } from './program.js';

test('no warning of Node reaches an operator: start, TLS, requests, database, backdoor, reload, report and stop', async (t) => {
  const project = emptyProject({});
  const [compute, metadata] = [await freePort(), await freePort()];
  const warnings = join(project.folder, 'warnings.txt');
  const set = [
    `api:compute.port=${compute}`,
    `api:metadata.port=${metadata}`,
    `DEFAULT.state_path=${project.folder}`,
    `DEFAULT.backdoor_socket=${join(project.folder, 'backdoor-{pid}')}`,
  ].flatMap((option) => ['--set', option]);
  const args = [apiCli, '--dev', '--enabled-ssl-apis', 'metadata', ...set];
  // Including the warnings that later versions print.
  const env = { NODE_REDIRECT_WARNINGS: warnings, NODE_PENDING_DEPRECATION: '1', NODE_NO_WARNINGS: undefined };
  const program = untilEnd(t, new Program(process.execPath, args, { env }));
  await program.printed(/^metadata\b.*https:/m);
  const flavors = await ask(`http://127.0.0.1:${compute}/v2.1/flavors`, { headers: { 'X-Auth-Token': 'a:a' } });
  assert.equal(flavors.status, 200);
  const status = await new Promise((settle, reject) => {
    const options = { rejectUnauthorized: false, agent: false };
    request(`https://127.0.0.1:${metadata}/`, options, (res) => res.resume().on('end', () => settle(res.statusCode)))
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
  program.kill('SIGUSR2');
  await program.printed(/^==== +Configuration +====$/m);
  program.kill('SIGHUP');
  await program.printed(/Reload accepted/);
  await program.stop();
  assert.equal(existsSync(warnings) ? readFileSync(warnings, 'utf8') : '', '');
});
