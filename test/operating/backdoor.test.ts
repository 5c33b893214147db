import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Config } from 'portico/config';
import { type Backdoor, BackdoorConfigValueError, initializeIfEnabled } from 'portico/launch';
import { initializeBackdoor } from '#internal/operating';
import { temporaryFolder } from '../fixtures/keeper.js';
import { recordedLog } from '../tasks/recorded-log.js';

const folder = temporaryFolder('backdoor-');

/** The response of a session to lines of input, without prompts. The session must end by itself. */
function session(where: number | string, ...lines: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: Socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text.replaceAll('>>> ', '')));
    socket.write(`${lines.join('\n')}\n`);
  });
}

async function opened(options: Partial<Parameters<typeof initializeBackdoor>[0]> = {}): Promise<Backdoor> {
  const backdoor = await initializeBackdoor({ port: '0', log: recordedLog().log, ...options });
  after(() => backdoor!.close());
  return backdoor!;
}

function taken(port = 0): Promise<{ port: number; server: Server }> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1' }, () =>
      resolve({ port: (server.address() as { port: number }).port, server }),
    );
  });
}

test('LC-1101 LC-1107 LC-1110 off by default; 0 is any port, and the log says where and that it is on', async () => {
  const { log, messages } = recordedLog();
  assert.equal(await initializeBackdoor({ log }), null);
  assert.deepEqual(messages(), []);
  const backdoor = await opened({ log });
  assert.equal(typeof backdoor.where, 'number');
  assert.equal(messages()[0], `Backdoor listening on ${backdoor.where} for process ${process.pid}`);
  assert.match(messages()[1]!, /backdoor is open/);
  await backdoor.close();
  await backdoor.close();
});

test('LC-1102 a port that means nothing is refused with what would do', async () => {
  for (const port of ['x', '', '-1', '1:', '9000:8999', '70000', '1:70000', '0:5', '1.5']) {
    await assert.rejects(initializeBackdoor({ port, log: recordedLog().log }), (error) => {
      assert.ok(error instanceof BackdoorConfigValueError, port);
      assert.equal(error.portRange, port);
      assert.match(
        error.message,
        /^Invalid backdoor_port configuration .*: .*\. Acceptable values are 0, <port>, and <start>:<end>/,
      );
      return true;
    });
  }
});

test('LC-1101 LC-1104 LC-1929 a range gives its first free port; where none is free, a warning and no backdoor', async () => {
  const { port, server } = await taken();
  const { log, messages } = recordedLog();
  assert.equal(await initializeBackdoor({ port: String(port), log }), null);
  assert.equal(await initializeBackdoor({ port: `${port}:${port}`, log }), null);
  assert.match(messages()[0]!, /is free: the process runs without a backdoor/);
  const backdoor = await initializeBackdoor({ port: `${port}:${Math.min(65_535, port + 20)}`, log });
  assert.ok(backdoor === null || (backdoor.where as number) > port);
  await backdoor?.close();
  server.close();
});

test('LC-1103 LC-1105 it listens on loopback only, and shares its port with nobody', async () => {
  const { where } = await opened();
  await assert.rejects(taken(where as number), { code: 'EADDRINUSE' });
  assert.equal(await initializeBackdoor({ port: String(where), log: recordedLog().log }), null);
});

test('LC-1108 an interpreter that works over nc: values, errors, several lines', async () => {
  const { where } = await opened({ names: { answer: 42 } });
  const text = await session(
    where,
    'answer + 1',
    '({ a: [1, 2] })',
    'missing',
    '[1, 2]',
    '  .map((n) => n * 2)',
    '.exit',
  );
  assert.match(text, /43/);
  assert.match(text, /\{ a: \[ 1, 2 \] \}/);
  assert.match(text, /ReferenceError: missing is not defined/);
});

test('LC-1108 exit, quit and .exit end the connection only', async () => {
  const { where } = await opened();
  for (const word of ['exit', 'exit()', 'quit', 'quit()', '.exit']) {
    assert.match(await session(where, '1 + 1', word), /2/);
  }
});

test('LC-1108 a visitor who hangs up in the middle does not end the process', async () => {
  const { where } = await opened();
  for (let round = 0; round < 5; round++) {
    const socket = connect(where as number, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('1 +');
    await new Promise((resolve) => socket.once(round % 2 === 0 ? 'connect' : 'data', resolve));
    socket.resetAndDestroy();
  }
  assert.match(await session(where, '20 + 3', '.exit'), /23/);
});

test('LC-1108 fo finds objects of a class, pgt shows what goes on, pnt what holds the loop, conf masks secrets', async () => {
  class Marker {
    readonly word = 'found me';
  }
  const kept = [new Marker(), new Marker()];
  const config = Config.fromText('[database]\nconnection = sqlite:///x\n');
  const { where } = await opened({
    names: { Marker },
    config,
    activity: () => [{ kind: 'task', name: 'cleanUp', state: 'running', ageMs: 90_000 }],
    requests: () => [{ method: 'GET', path: '/servers?token=secret', ageMs: 1500 }],
  });
  const text = await session(
    where,
    'fo(Marker).length',
    'fo(Marker)[0].word',
    'pgt()',
    'pnt()',
    'typeof conf()',
    '.exit',
  );
  assert.equal(kept.length, 2);
  assert.match(text, /^2\nfound me\n/);
  assert.match(text, /task cleanUp: running, for 1m30s\nrequest GET \/servers: for 1\.5s/);
  assert.doesNotMatch(text, /secret/);
  assert.match(text, /TCPSocketWrap|TCPServerWrap/);
  assert.match(text, /object/);
});

/** The file is in a separate folder below the temporary one, accessible only to its user: no other user can place a link there. */
function assertPrivate(file: string): void {
  assert.equal(dirname(dirname(file)), tmpdir());
  assert.equal(statSync(dirname(file)).mode & 0o777, 0o700);
  assert.equal(statSync(file).mode & 0o777, 0o600);
}

test('nothing that prof and heap write goes through a link that is there', async () => {
  const { where } = await opened();
  const name = `backdoor-link-${process.pid}`;
  const victim = join(folder, 'victim');
  writeFileSync(victim, 'kept');
  const links = ['cpuprofile', 'heapsnapshot'].map((ending) => join(tmpdir(), `${name}.${ending}`));
  for (const link of links) symlinkSync(victim, link);
  const text = await session(where, 'prof()', `prof('${name}')`, `heap('${name}')`, 'exit');
  const written = [...text.matchAll(/saved (\S+)/g)].map(([, file]) => file!);
  after(() => {
    for (const file of [...links, ...written.map((each) => dirname(each))]) rmSync(file, { recursive: true });
  });
  assert.equal(written.length, 2);
  assert.equal(readFileSync(victim, 'utf8'), 'kept');
});

test('a browser cannot be made to talk to it: it hangs up at the first line of HTTP, and runs nothing of its body', async () => {
  const { log, messages } = recordedLog();
  const touched: string[] = [];
  const { where } = await opened({ names: { touch: (word: string) => touched.push(word) }, log });
  const requests = [
    ['POST / HTTP/1.1', 'Host: localhost', '', "touch('body')"],
    ['touch /x HTTP/1.0', "touch('method')"],
    ["GET /;touch('path') HTTP/1.1", '', "touch('after')"],
    ['PRI * HTTP/2.0', '', "touch('two')"],
    ['OPTIONS * HTTP/1.1\r', "touch('return')"],
  ];
  for (const lines of requests) assert.equal(await session(where, ...lines), '');
  // One byte at a time, at any speed.
  const slow = connect(where as number, '127.0.0.1');
  slow.on('error', () => {});
  const closed = new Promise((resolve) => slow.once('close', resolve));
  slow.resume();
  for (const character of "POST / HTTP/1.1\n\ntouch('slow')\n") {
    await new Promise((resolve) => slow.write(character, resolve));
  }
  await closed;
  assert.deepEqual(touched, []);
  assert.equal(messages().filter((text) => /closed a connection/.test(text)).length, requests.length + 1);
  assert.match(await session(where, "touch('person')", '.exit'), /1/);
  assert.deepEqual(touched, ['person']);
});

test('a person may type what looks like HTTP behind the first line, a byte at a time too', async () => {
  const { log, messages } = recordedLog();
  const { where } = await opened({ log });
  assert.match(await session(where, '1 + 1', 'var s = "HTTP/1.1 200"', 's.length', '.exit'), /^2\n12\n/);
  assert.match(await session(where, 'var s = "HTTP/1.1 200"', 's.length', '.exit'), /^12\n/);
  const slow = connect(where as number, '127.0.0.1');
  let text = '';
  slow.on('data', (piece) => {
    text += piece;
  });
  const closed = new Promise((resolve) => slow.once('close', resolve));
  for (const byte of Buffer.from('"é"\nvar s = "a HTTP/1.1"\ns.length + "é".length\n.exit\n')) {
    await new Promise((resolve) => slow.write(Buffer.of(byte), resolve));
  }
  await closed;
  assert.match(text, /é[\s\S]*11\n/);
  assert.ok(!messages().some((line) => /closed a connection/.test(line)));
});

test('LC-1108 prof takes a CPU profile, into the temporary folder, whatever its name', async () => {
  const { where } = await opened();
  const name = `backdoor-test-${process.pid}`;
  const text = await session(where, "prof('none')", 'prof()', 'prof()', `prof('../../${name}')`, '.exit');
  const file = /saved (.*)/.exec(text)?.[1];
  assert.match(text, /no profile is running/);
  assert.match(text, /a profile is already running/);
  assert.equal(basename(file!), `${name}.cpuprofile`);
  assertPrivate(file!);
  assert.ok(Array.isArray((JSON.parse(readFileSync(file!, 'utf8')) as { nodes: unknown[] }).nodes));
  rmSync(dirname(file!), { recursive: true });
});

test('LC-1108 heap writes a snapshot that only its user can read', async () => {
  const { where } = await opened();
  const answer = await session(where, "heap('../../portico-test-heap')", 'exit');
  const [, file] = /saved (\S+\.heapsnapshot)/.exec(answer)!;
  after(() => rmSync(dirname(file!), { recursive: true }));
  assert.equal(basename(file!), 'portico-test-heap.heapsnapshot');
  assertPrivate(file!);
  assert.equal(readFileSync(file!).subarray(0, 12).toString(), '{"snapshot":');
});

test('LC-1106 a socket wins over a port, has the pid in its name, and is only for its user', async () => {
  const backdoor = await opened({ socket: join(folder, 'door-{pid}'), port: '0' });
  assert.equal(backdoor.where, join(folder, `door-${process.pid}`));
  assert.equal(statSync(backdoor.where).mode & 0o777, 0o600);
  assert.match(await session(backdoor.where, '6 * 7', '.exit'), /42/);
  await backdoor.close();
  assert.equal(existsSync(backdoor.where), false);
});

test('LC-1106 braces that mean nothing leave the path as it is, with a warning', async () => {
  const { log, messages } = recordedLog();
  const backdoor = await opened({ socket: join(folder, 'door-{id'), log });
  assert.equal(basename(backdoor.where as string), 'door-{id');
  assert.match(messages()[0]!, /Could not apply format string/);
});

test('LC-1106 a socket that a dead process left is replaced; a live one and a plain file are not', async () => {
  const left = join(folder, 'left');
  const source = `require('node:net').createServer().listen(${JSON.stringify(left)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', source]);
  assert.equal(existsSync(left), true);
  const backdoor = await opened({ socket: left });
  assert.match(await session(left, '1 + 1', '.exit'), /2/);
  await assert.rejects(opened({ socket: left }), {
    code: 'PORTICO_BACKDOOR_SOCKET',
    message: /another process responds/,
  });
  assert.match(await session(left, '1 + 2', '.exit'), /3/);
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'data');
  await assert.rejects(opened({ socket: plain }), { code: 'PORTICO_BACKDOOR_SOCKET', message: /not a socket/ });
  assert.equal(readFileSync(plain, 'utf8'), 'data');
  assert.equal(typeof backdoor.where, 'string');
});

test('LC-1101 where the configuration says so', async () => {
  const { log } = recordedLog();
  assert.equal(await initializeIfEnabled(Config.fromText(''), { log }), null);
  const backdoor = await initializeIfEnabled(Config.fromText('[DEFAULT]\nbackdoor_port = 0\n'), { log });
  assert.equal(typeof backdoor!.where, 'number');
  await backdoor!.close();
});

test('LC-5 an open backdoor keeps no process alive', () => {
  const source = `import { silentLogger } from '#internal/log'; import { initializeBackdoor } from '#internal/operating';
    await initializeBackdoor({ port: '0', log: silentLogger() });`;
  const run = spawnSync(process.execPath, ['--input-type=module', '-e', source], { encoding: 'utf8', timeout: 20_000 });
  assert.equal(run.stderr, '');
  assert.equal(run.status, 0);
});
