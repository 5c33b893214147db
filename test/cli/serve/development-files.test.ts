/** `api-cli --dev` restarts its worker when a file changes, and keeps its certificate. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { emptyProject, freePort, startProject } from '../../e2e/program.js';

const PASTE = '[app:hello]\npaste.app_factory = ./app.js:factory\n';
const APP = `import { greeting } from './greeting.js';
export const factory = () => (req, res) => res.end(greeting);
`;
const greeting = (text: string): string => `export const greeting = '${text}';\n`;
const ini = (port: number, more = ''): string =>
  `[DEFAULT]\nenabled_apis = hello\n${more}\n[api:hello]\nport = ${port}\n`;

test('OP-2 AU-7 a module, the paste file, the configuration: each that changes is named in one line, and a new worker serves it; one that cannot be served is refused with its reason', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': ini(port),
    'api-paste.ini': PASTE,
    'app.js': APP,
    'greeting.js': greeting('one'),
  });
  const program = startProject(t, project, ['--dev']);
  const text = async (): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
  await program.printed(/Ready after/);
  assert.equal(await text(), 'one');

  const change = async (file: string, content: string): Promise<void> => {
    const from = program.output().length;
    const before = performance.now();
    writeFileSync(join(project.folder, file), content);
    const line = new RegExp(`^.*${file.replace('.', '\\.')} changed, serving again after \\d+\\.\\d s\n`, 'm');
    await program.printed(line, from);
    // A save has one line: those of the launcher are for level debug.
    assert.equal(program.output().slice(from).trim().split('\n').length, 1, program.output());
    t.diagnostic(`figures: ${file}: a new worker serves ${Math.round(performance.now() - before)} ms after the change`);
  };
  await change('greeting.js', greeting('two'));
  assert.equal(await text(), 'two');
  await change('api-paste.ini', `${PASTE}# changed\n`);
  await change('portico.ini', ini(port, 'drain_timeout = 9'));
  const said = program.output().length;
  // No module has loaded it.
  appendFileSync(join(project.folder, 'service.log'), 'a line\n');
  await change('greeting.js', greeting('three'));
  assert.doesNotMatch(program.output().slice(said), /service\.log/);
  assert.equal(await text(), 'three');

  const from = program.output().length;
  writeFileSync(join(project.folder, 'greeting.js'), 'export const = 1;\n');
  await program.printed(/greeting\.js changed, and cannot be served: the code before still is\n/, from);
  const refused = program.output().slice(from);
  assert.match(refused, /Reload refused after \d+ ms\n {4}api-paste\.ini:2:21: error: .*greeting\.js:1:14\n/);
  assert.doesNotMatch(refused, /\{"|exited with status/);
  assert.equal(await text(), 'three');
});

test('OP-2 a module that is written after it was loaded and before it is watched is a change', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': ini(port),
    'api-paste.ini': PASTE,
    // The factory is called after greeting.js is loaded and before its worker is ready.
    'app.js': `import { readFileSync, writeFileSync } from 'node:fs';
import { greeting } from './greeting.js';
const file = new URL('./greeting.js', import.meta.url);
export const factory = () => {
  if (readFileSync(file, 'utf8').includes('one')) writeFileSync(file, ${JSON.stringify(greeting('two'))});
  return (req, res) => res.end(greeting);
};
`,
    'greeting.js': greeting('one'),
  });
  const program = startProject(t, project, ['--dev']);
  await program.printed(/greeting\.js changed, serving again/);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
  assert.equal(await answer.text(), 'two');
  assert.equal(program.output().match(/changed, serving again/g)?.length, 1);
});

async function certificateOf(port: number, host: string): Promise<X509Certificate> {
  const socket = connect({ port, host, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  return new X509Certificate(raw);
}

test('OP-2 the certificate of --dev has the host in it, and is the same after another start', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'portico.ini': ini(port, 'enabled_ssl_apis = hello\nstate_path = state').replace(
      'port =',
      'listen = 127.0.0.2\nport =',
    ),
    'api-paste.ini': PASTE,
    'app.js': APP,
    'greeting.js': greeting('one'),
  });
  const certificates: X509Certificate[] = [];
  for (let start = 0; start < 2; start++) {
    const program = startProject(t, project, ['--dev']);
    await program.printed(/^hello .*https:/m);
    certificates.push(await certificateOf(port, '127.0.0.2'));
    await program.end();
  }
  assert.match(certificates[0]!.subjectAltName!, /IP Address:127\.0\.0\.2/);
  assert.equal(certificates[0]!.fingerprint256, certificates[1]!.fingerprint256);
});
