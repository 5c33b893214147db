/** The page about moving from nova, with Keystone, memcached, RabbitMQ and HAProxy, and an API and a conductor in Python. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { freePort, Program, root, untilEnd } from '../../e2e/program.js';
import { Keystone, keystoneMissing } from '../../keystone/keystone.js';
import { brokerUrl, deleteTopic } from '../../rpc/transport/amqp/broker.js';
import { deleteOsloTopic, withoutPython } from '../../rpc/transport/oslo/peer.js';
import { runPage } from '../page.js';

const PAGE = 'docs/moving/nova.md';

/** The commands that the page names. */
const missing = ['haproxy', 'memcached', 'socat', 'openstack'].filter(
  (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
);
const skip = keystoneMissing || withoutPython || (missing.length > 0 && `not installed: ${missing.join(', ')}`);

function started(t: TestContext, command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  return untilEnd(t, new Program(command, args, { env }));
}

test(`WI-9 ${PAGE} takes an API and a conductor over, and gives them back`, { skip, timeout: 300_000 }, async (t) => {
  const keystone = await Keystone.start();
  t.after(() => keystone.end());
  await keystone.user('nova', [{ role: 'service', project: 'service' }], 'nova-password');
  await keystone.user('alice', [{ role: 'member', project: 'blue' }]);

  const [python, node, proxy, memcached] = [await freePort(), await freePort(), await freePort(), await freePort()];
  started(t, 'memcached', ['-l', '127.0.0.1', '-p', String(memcached), '-u', 'nobody']);
  const topic = `conductor${process.pid}`;
  const exchange = `nova${process.pid}`;
  const conductor = started(t, '/usr/bin/python3', [
    join(root, 'test/docs/nova/nova_conductor.py'),
    brokerUrl.replace(/^amqp:/, 'rabbit:'),
    exchange,
    topic,
  ]);
  t.after(async () => {
    await conductor.end();
    await deleteOsloTopic(exchange, topic);
    await deleteTopic(exchange, topic, ['node']);
  });
  await conductor.printed(/Ready/);

  // nova.conf is written by the page, and this link to it.
  const conf = join(root, 'dist-test', `nova-${process.pid}.conf`);
  t.after(() => {
    const pids = existsSync(conf) && join(realpathSync(conf), '../../../nova-portico/haproxy.pid');
    rmSync(conf, { force: true });
    if (pids === false || !existsSync(pids)) return;
    for (const pid of readFileSync(pids, 'utf8').trim().split('\n')) process.kill(Number(pid));
  });
  const api = started(
    t,
    '/usr/bin/python3',
    ['-m', 'gunicorn', '--bind', `127.0.0.1:${python}`, '--threads', '4', '--keep-alive', '0', 'nova_api:application'],
    { NOVA_CONF: conf, PYTHONPATH: join(root, 'test/docs/nova'), PYTHONDONTWRITEBYTECODE: '1' },
  );
  await api.printed(/Listening at/);
  await runPage(t, PAGE, {
    packages: ['rabbitmq-client'],
    env: keystone.environment({ user: 'alice', project: 'blue' }),
    replace: {
      'npm run check': 'npx portico check --config-file ../etc/nova/nova.conf --config-file portico.ini',
      'chmod 600 etc/nova/nova.conf &&': `chmod 600 etc/nova/nova.conf && ln -s "$PWD/etc/nova/nova.conf" '${conf}' &&`,
      'http://127.0.0.1:5000': keystone.url,
      'rabbit://guest:guest@127.0.0.1:5672/': brokerUrl.replace(/^amqp:/, 'rabbit:'),
      'amqp://guest:guest@127.0.0.1:5672/': brokerUrl,
      '11211': String(memcached),
      '8774': String(python),
      '8784': String(node),
      '8770': String(proxy),
      // A daemon would keep the pipes of the test open.
      '-p haproxy.pid -f haproxy.cfg': '-p haproxy.pid -f haproxy.cfg > haproxy.log 2>&1 3>&-',
      'exchange = nova': `exchange = ${exchange}`,
      "topic: 'conductor'": `topic: '${topic}'`,
      'rpc ping conductor': `rpc ping ${topic}`,
      'rpc call conductor': `rpc call ${topic}`,
      'conductor responded': `${topic} responded`,
      '[service:conductor]': `[service:${topic}]`,
      'enabled_services = conductor': `enabled_services = ${topic}`,
    },
  });
});
