/** The server for operators and probes, without a launcher. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Config } from 'portico/config';
import { ControlServer, controlPath } from '#internal/operating';
import { ask } from '../../e2e/clients.js';
import { temporaryFolder } from '../../fixtures/keeper.js';
import { recordedLog } from '../../tasks/recorded-log.js';

async function listening(t: TestContext) {
  const recorded = recordedLog();
  const begun: (() => void)[] = [];
  const server = new ControlServer(
    {
      'GET /healthz': () => 'ok\n',
      'GET /long': () => new Promise(() => begun.shift()?.()),
      'POST /change': ({ body }) => body,
    },
    recorded.log,
  );
  const port = await server.listenOn({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  const open = async (text = ''): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    if (text !== '') socket.write(text);
    return socket;
  };
  const long = async (): Promise<Socket> => {
    const works = new Promise<void>((resolve) => begun.push(resolve));
    const socket = await open('GET /long HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await works;
    return socket;
  };
  const answerTo = async (text: string): Promise<string> => {
    const socket = await open(text);
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    return chunk.toString();
  };
  return { ...recorded, open, long, answerTo, probe: () => ask(`http://127.0.0.1:${port}/healthz`) };
}

test('OP-57 idle, slow and working connections of others take no probe its way to the admin listener', async (t) => {
  const { open, long, probe } = await listening(t);
  await long();
  for (let i = 0; i < 60; i++) await open();
  for (let i = 0; i < 60; i++) await open('GET /healthz HTTP/1.1\r\nHost: local');
  for (let i = 0; i < 60; i++) await open('POST /change HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{');
  assert.equal((await probe()).status, 200);
  for (let i = 0; i < 110; i++) await long();
  for (let i = 0; i < 3; i++) assert.equal((await probe()).status, 200);
});

test('a connection whose request is carried out does not give way while another is idle', async (t) => {
  const { open, long, probe } = await listening(t);
  const working = await long();
  const idle = await open();
  const closed = once(idle, 'close');
  for (let i = 0; i < 150; i++) await open();
  await closed;
  assert.equal((await probe()).status, 200);
  assert.equal(working.destroyed, false);
});

test('a client that leaves in the middle of a body is no error', async (t) => {
  const { open, lines, probe } = await listening(t);
  const socket = await open('POST /change HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{');
  assert.equal((await probe()).status, 200);
  socket.resetAndDestroy();
  for (let i = 0; i < 5; i++) await probe();
  assert.deepEqual(lines, []);
});

test('OP-58 two fields Host, and a target that names a host, are refused', async (t) => {
  const { answerTo } = await listening(t);
  for (const text of [
    'GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n',
    'GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n',
  ]) {
    assert.match(await answerTo(text), /^HTTP\/1\.1 400 [\s\S]*PORTICO_CONTROL_TARGET/);
  }
  assert.match(await answerTo('GET /healthz HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /);
});

test('OP-40 the socket is in no directory of another user; without files its name is that of the folder', (t) => {
  const folder = temporaryFolder('portico-runtime-');
  const before = process.cwd();
  t.after(() => {
    process.chdir(before);
  });
  const path = (env: NodeJS.ProcessEnv): string => controlPath(new Config(), 'api-cli', env)!;
  assert.ok(path({ XDG_RUNTIME_DIR: folder }).startsWith(`${folder}/portico-api-cli-`));
  const here = path({});
  process.chdir(folder);
  assert.notEqual(path({}), here);
  // A folder open to others, like /run/user/1000 for root: sudo may keep the variable.
  chmodSync(folder, 0o777);
  assert.ok(path({ XDG_RUNTIME_DIR: folder }).startsWith(join(tmpdir(), `portico-${process.geteuid!()}`)));
  // The other variables have no effect beside this one.
  assert.throws(() => path({ RUNTIME_DIRECTORY: folder, XDG_RUNTIME_DIR: folder }), {
    code: 'PORTICO_CONTROL_SOCKET',
    hint: /Set a path in \[control\] socket, or RUNTIME_DIRECTORY to a directory/,
  });
});

test('without a directory that can be written, the error of the control socket names what to set', (t) => {
  const { TMPDIR = '' } = process.env;
  t.after(() => {
    if (TMPDIR === '') delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  });
  // As a read-only /tmp is, for root too.
  process.env.TMPDIR = '/proc';
  assert.throws(() => controlPath(new Config(), 'api-cli', {}), {
    code: 'PORTICO_CONTROL_SOCKET',
    message: /\/proc\/portico-\w+ cannot be created \(E\w+\)/,
    hint: /\[control\] socket, or XDG_RUNTIME_DIR or TMPDIR/,
  });
});
