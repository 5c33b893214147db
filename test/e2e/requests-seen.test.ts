/** States of open requests that an operator sees: whether the handler works, a body comes, or the client does not read. */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { commandBeside } from '../cli/command.js';
import { until } from '../fixtures/until.js';
import { emptyProject, freePort, startProject } from './program.js';

const app = `
export const hello = () => async (req, res) => {
  if (req.url === '/work') return new Promise(() => {});
  if (req.url === '/large') return new Promise((resolve) => res.end(Buffer.alloc(32 * 1024 * 1024), resolve));
  if (req.url === '/events') return void res.writeHead(200).write('one');
  for await (const _ of req);
  res.end('read');
};
`;

test('OP-52 an open request tells what it waits for, and since when', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const send = (bytes: string): void => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.pause().write(bytes);
    t.after(() => void socket.destroy());
  };
  for (const path of ['/work', '/large', '/events']) send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
  send('POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
  interface Seen {
    readonly path: string;
    readonly state: string;
    readonly stateMs: number;
  }
  const requests = await until(
    async () => {
      const { stdout } = await commandBeside(['requests', '--json'], { cwd: project.folder });
      return (JSON.parse(stdout) as { readonly requests: readonly Seen[] }).requests;
    },
    (all) => all.length === 4 && all.every(({ stateMs }) => stateMs > 500) && all.some(({ state }) => state === 'body'),
  );
  assert.deepEqual(Object.fromEntries(requests.map(({ path, state }) => [path, state])), {
    '/work': 'handler',
    '/large': 'client',
    '/events': 'stream',
    '/body': 'body',
  });
  const { stdout } = await commandBeside(['requests'], { cwd: project.folder });
  assert.match(stdout, /\/work .* handler works, [\d.]+ s/);
  assert.match(stdout, /\/large .* client does not read, [\d.]+ s/);
  assert.match(stdout, /\/body .* body comes, [\d.]+ s/);
});

test('OP-52 handlers that hold concurrency limit are a problem of the service, with the oldest request, whose client has left', async (t) => {
  const port = await freePort();
  const project = emptyProject({
    'app.js': app,
    'api-paste.ini': '[app:hello]\npaste.app_factory = ./app.js:hello\n',
    'portico.ini': `[DEFAULT]\nenabled_apis = hello\n[wsgi]\ndefault_pool_size = 1\n[api:hello]\nport = ${port}\nworkers = 1\n`,
  });
  const program = startProject(t, project);
  await program.printed(/"event":"ready"/);
  const send = (path: string): Socket => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    t.after(() => void socket.destroy());
    return socket;
  };
  const read = async (command: string): Promise<string> =>
    (await commandBeside([command], { cwd: project.folder })).stdout;
  const first = send('/work');
  await until(
    () => read('requests'),
    (text) => text.includes('handler works,'),
  );
  send('/waits');
  first.destroy();
  await until(
    () => read('requests'),
    (text) =>
      /\/work .* handler works, its client has left, [\d.]+ s/.test(text) &&
      text.includes('waits for the concurrency limit'),
  );
  const status = await until(
    () => read('status'),
    (text) => text.includes('concurrency limit'),
  );
  assert.match(
    status,
    /^hello: 1 of 1 worker reached the concurrency limit, and 1 request waits: the longest is held by GET \/work for [\d.]+ s, whose client has left$/m,
  );
});
