/** WebSocket sessions with an app of a paste file: filters, mounts, workers and reloads as for other requests. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { commandBeside } from '../cli/command.js';
import { ask } from './clients.js';
import { emptyProject, freePort, startProject } from './program.js';

const CHAT = `
import { Fault, takeUpgrade } from 'portico/app';
import { WebSocketServer } from '${import.meta.resolve('ws')}';

export function chat() {
  const sessions = new WebSocketServer({ noServer: true });
  return (req) => {
    const connection = takeUpgrade(req);
    if (connection === undefined) throw new Fault(426, { headers: { upgrade: 'websocket' } });
    const { socket, head, closing } = connection;
    sessions.handleUpgrade(req, socket, head, (session) => {
      closing.addEventListener('abort', () => session.close(1001));
      session.on('message', (text) => session.send(\`\${req.url} \${process.pid}: \${text}\`));
    });
  };
}

export function onlyAda() {
  return (app) => (req, res) => {
    if (req.headers['x-user'] !== 'ada') throw new Fault(401);
    return app(req, res);
  };
}
`;

const PASTE = `[composite:hello]
use = egg:Paste#urlmap
/chat = chat_with_ada

[pipeline:chat_with_ada]
pipeline = only_ada chat

[filter:only_ada]
paste.filter_factory = ./chat.js:onlyAda

[app:chat]
paste.app_factory = ./chat.js:chat
`;

test('PH-9 a WebSocket passes mounts and filters, and a reload and a stop end it with 1001', async (t) => {
  const port = await freePort();
  const service = `[DEFAULT]\nenabled_apis = hello\n[api:hello]\nport = ${port}\nworkers = 1\n`;
  const project = emptyProject({ 'portico.ini': service, 'api-paste.ini': PASTE, 'chat.js': CHAT });
  const program = startProject(t, project);
  await program.printed(/http:\/\/127\.0\.0\.1:\d+ +1 worker/);
  const url = `ws://127.0.0.1:${port}/chat/room`;

  const unowned = new WebSocket(url);
  const [, refused] = (await once(unowned, 'unexpected-response')) as [unknown, IncomingMessage];
  assert.equal(refused.statusCode, 401);
  refused.resume();
  assert.equal((await ask(`http://127.0.0.1:${port}/chat/`, { headers: { 'x-user': 'ada' } })).status, 426);

  const session = new WebSocket(url, { headers: { 'x-user': 'ada' } });
  await once(session, 'open');
  session.send('hello');
  const [first] = (await once(session, 'message')) as [Buffer];
  assert.match(first.toString(), /^\/room \d+: hello$/);

  const closed = once(session, 'close');
  assert.equal((await commandBeside(['reload'], { cwd: project.folder })).status, 0);
  assert.equal((await closed)[0], 1001);

  const next = new WebSocket(url, { headers: { 'x-user': 'ada' } });
  await once(next, 'open');
  next.send('again');
  const [second] = (await once(next, 'message')) as [Buffer];
  assert.notEqual(second.toString().split(' ')[1], first.toString().split(' ')[1]);
  const stopped = once(next, 'close');
  program.kill();
  assert.equal((await stopped)[0], 1001);
  assert.equal((await program.ended).code, 0);
});
