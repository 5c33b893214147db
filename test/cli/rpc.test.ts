/** `api-cli rpc ping|call|cast`, over RabbitMQ. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RPCService } from 'portico/rpc';
import { emptyProject, type Outcome } from '../e2e/program.js';
import { brokerTest, brokerUrl, deleteTopic } from '../rpc/transport/amqp/broker.js';
import { osloUrl, PythonPeer, withoutPython } from '../rpc/transport/oslo/peer.js';
import { recordedLog } from '../tasks/recorded-log.js';
import { commandBeside } from './command.js';

const { log } = recordedLog();

/** Runs `api-cli rpc` with this transport URL. */
function rpcIn(url: string) {
  const { folder } = emptyProject({});
  writeFileSync(join(folder, 'portico.ini'), `[rpc]\ntransport_url = ${url}\n`, { mode: 0o600 });
  const run = (...words: string[]): Promise<Outcome> => commandBeside(['rpc', ...words], { cwd: folder });
  return Object.assign(run, { folder });
}

brokerTest('RP-95 a service is pinged; its methods are called and cast', async (t) => {
  const exchange = `call-${randomUUID().slice(0, 8)}`;
  const url = `${brokerUrl}?exchange=${exchange}&queue_type=classic`;
  const sizes: number[] = [];
  class Images {
    async resize({ isAdmin }: { isAdmin: boolean }, { to }: { to: number }) {
      sizes.push(to);
      return { size: to, isAdmin };
    }
  }
  const service = RPCService.create({ binary: 'portico-images', host: 'north', manager: Images, transport: url, log });
  await service.start();
  t.after(async () => {
    await service.kill();
    await deleteTopic(exchange, 'images', ['north']);
  });
  const run = rpcIn(url);

  const pinged = await run('ping', 'images', '--json');
  assert.equal(pinged.status, 0, pinged.stderr);
  const { host, draining } = JSON.parse(pinged.stdout) as { host: string; draining: boolean };
  assert.deepEqual([host, draining], ['north', false]);
  assert.match((await run('ping', 'images', '--host', 'north')).stdout, /images on north responded in \d+ ms\n$/);

  const called = await run('call', 'images', 'resize', '{"to": 7}');
  assert.deepEqual(JSON.parse(called.stdout), { size: 7, isAdmin: true });
  assert.equal((await run('cast', 'images', 'resize', '{"to": 8}', '--host', 'north')).status, 0);
  while (sizes.length < 2) await run('ping', 'images');
  assert.deepEqual(sizes, [7, 8]);

  const unknown = await run('call', 'images', 'resise', '{"to": 7}');
  assert.deepEqual([unknown.status, /resise/.test(unknown.stderr)], [1, true]);
  const lost = await run('cast', 'imags', 'resize');
  assert.deepEqual([lost.status, /there is no queue for imags/.test(lost.stderr), lost.stdout], [1, true, '']);
  const nowhere = await run('ping', 'images', '--host', 'south');
  assert.deepEqual([nowhere.status, /images/.test(nowhere.stderr)], [1, true]);

  // Its queue still exists: nothing shows at once that the service is gone.
  await service.stop();
  const gone = await run('ping', 'images', '--timeout', '1');
  assert.deepEqual([gone.status, /no reply within (1|0\.\d+) s/.test(gone.stderr)], [1, true], gone.stderr);
  assert.match((await run('ping', '--help')).stdout, /--timeout <seconds> .*\(default: 5\)/);
  // For an unreachable broker the command would wait.
  const refused = await rpcIn(url.replace('guest@', 'wr0ng@'))('ping', 'images', '--timeout', '600');
  assert.deepEqual(
    [refused.status, /refuses the user: ACCESS_REFUSED/.test(refused.stderr)],
    [1, true],
    refused.stderr,
  );
  assert.doesNotMatch(refused.stderr, /wr0ng/);
});

test('a Python service is pinged, called and cast by the same commands', { skip: withoutPython }, async (t) => {
  const python = await PythonPeer.start();
  t.after(() => python.end());
  await python.serve('python');
  const run = rpcIn(`${osloUrl}?exchange=${python.exchange}`);
  const pinged = await run('ping', python.topic, '--host', 'python');
  assert.match(pinged.stdout, /^t\w+ on python responded in \d+ ms\n$/, pinged.stderr);
  const called = await run('call', python.topic, 'echo', '{"id": "a"}', '--method-version', '1.2');
  assert.deepEqual(JSON.parse(called.stdout), { id: 'a' });
  assert.equal((await run('cast', python.topic, 'note', '{"id": "b"}')).status, 0);
  assert.deepEqual((await python.event('note')).args, { id: 'b' });
  const failed = await run('call', python.topic, 'undeclared');
  assert.deepEqual([failed.status, /oh/.test(failed.stderr)], [1, true]);
});

test('RP-95 arguments that are no object are a usage error, memory:// a wrong configuration', async () => {
  const run = rpcIn('memory://');
  assert.equal((await run('call', 'images', 'resize', '[7]')).status, 2);
  const broken = await run('call', 'images', 'login', '{"password": "hunter2"');
  assert.deepEqual([broken.status, /not a JSON object/.test(broken.stderr)], [2, true]);
  assert.doesNotMatch(broken.stderr, /hunter2/);
  const refused = await run('ping', 'images');
  assert.deepEqual([refused.status, /memory:\/\//.test(refused.stderr)], [78, true]);
});
