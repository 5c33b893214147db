/** An unusable certificate in an application that launches its APIs itself and changes them in place. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { ReloadReport } from 'portico/launch';
import { childrenOf } from '../fixtures/running-program.js';
import { makePair } from '../server/certificate-files.js';
import { emptyProject, freePort, startMain } from './program.js';

const MAIN = `
import { Config, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';
const config = await Config.load({ files: ['portico.ini'], argv: false });
const launcher = new ProcessLauncher({ config, restartMethod: 'mutate' });
await launcher.launchService(new WSGIService('hello', config));
if (launcher.role !== 'worker') console.log('launched');
process.exitCode = await launcher.wait();
`;

/** The serial number of the served certificate. */
function served(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

test('LC-1015 RL-92 RL-66 CF-80 OP-80 a pair that does not match is refused with its location, and the old one stays', async (t) => {
  const port = await freePort();
  const [old, other] = [await makePair(), await makePair()];
  const project = emptyProject({
    'main.js': MAIN,
    'app.js': 'export const app = () => (req, res) => res.end("hello");\n',
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:app\n',
    'portico.ini': `[DEFAULT]\nenabled_ssl_apis = hello\n[api:hello]\nport = ${port}\nworkers = 1\n[ssl]\ncert_file = cert.pem\nkey_file = key.pem\n`,
    'cert.pem': old.cert,
    'key.pem': old.key,
  });
  const program = startMain(t, project);
  await program.printed(/launched/);
  const before = await served(port);
  writeFileSync(join(project.folder, 'key.pem'), other.key);
  program.kill('SIGHUP');
  await program.printed(/"outcome":"refused".*portico\.ini:8:\d+: .*key\.pem/);
  assert.equal(await served(port), before);
  // A worker started later has the accepted pair.
  const [worker] = childrenOf(program.pid);
  process.kill(worker!, 'SIGKILL');
  await program.printed(/killed by signal SIGKILL/);
  assert.equal(await served(port), before);
  // An error in the service file is reported as well, and hides no other.
  const ini = readFileSync(join(project.folder, 'portico.ini'), 'utf8');
  writeFileSync(join(project.folder, 'portico.ini'), `${ini}[wsgi]\nmax_headers = many\n`);
  program.kill('SIGHUP');
  await program.printed(/"outcome":"refused".*portico\.ini:8:\d+: .*key\.pem.*portico\.ini:10:15: .*many/);
  writeFileSync(join(project.folder, 'portico.ini'), ini);
  const from = program.output().length;
  writeFileSync(join(project.folder, 'cert.pem'), other.cert);
  writeFileSync(join(project.folder, 'api-paste.ini'), '[app:hello]\npaste.app_factory = ./app.js:app\nnew = 1\n');
  program.kill('SIGHUP');
  await program.printed(/"outcome":"accepted"/, from);
  const [line] = /^.*"outcome":"accepted".*$/m.exec(program.output().slice(from)) ?? [];
  const { changes } = JSON.parse(line ?? '') as ReloadReport;
  assert.deepEqual(
    changes.map(({ option, effect, services }) => [option, effect, services]),
    [
      ['ssl.cert_file', 'passed to reset()', ['hello']],
      ['ssl.key_file', 'passed to reset()', ['hello']],
      ['DEFAULT.api_paste_config', 'passed to reset()', ['hello']],
    ],
  );
  assert.notEqual(await served(port), before);
  const ended = await makePair(-1);
  writeFileSync(join(project.folder, 'cert.pem'), ended.cert);
  writeFileSync(join(project.folder, 'key.pem'), ended.key);
  program.kill('SIGHUP');
  await program.printed(
    /"outcome":"refused".*portico\.ini:7:\d+: error: .*cert\.pem has expired on .*The current one is valid until/,
    from,
  );
});
