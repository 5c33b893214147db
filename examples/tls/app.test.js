import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { test } from 'node:test';

/** One request on a new connection: its text, and the fingerprint of the certificate. */
async function ask(port) {
  const req = request({ host: '127.0.0.1', port, ca: readFileSync('cert.pem'), agent: false }).end();
  const [res] = await once(req, 'response');
  const { fingerprint256 } = res.socket.getPeerCertificate();
  return { text: (await res.toArray()).join(''), fingerprint256 };
}

test('a reload uses a new certificate, and the service keeps running', { timeout: 60_000 }, async (t) => {
  const makeCertificate = () => execFileSync(process.execPath, ['certificate.js']);
  makeCertificate();
  const program = spawn('api-cli', ['--set', 'api:secure.port=0']);
  const ended = once(program, 'exit');
  t.after(() => program.kill());
  let log = '';
  for await (const text of program.stderr.iterator({ destroyOnReturn: false })) {
    log += text;
    if (/Ready/.test(log)) break;
  }
  const [, port] = /127\.0\.0\.1:(\d+)/.exec(log) ?? assert.fail(log);
  const before = await ask(port);
  assert.equal(before.text, 'TLSv1.3\n');
  makeCertificate();
  execFileSync('api-cli', ['reload']);
  assert.notEqual((await ask(port)).fingerprint256, before.fingerprint256);
  program.kill();
  assert.deepEqual(await ended, [0, null]);
});
