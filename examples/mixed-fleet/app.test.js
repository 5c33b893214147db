import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Connection } from 'rabbitmq-client';

const PYTHON = '/usr/bin/python3';
const URL = 'rabbit://guest:guest@127.0.0.1:5672/';
const run = promisify(execFile);

async function skipped() {
  const broker = connect(5672, '127.0.0.1');
  const hasBroker = await once(broker, 'connect').then(
    () => true,
    () => false,
  );
  broker.destroy();
  if (!hasBroker) return 'RabbitMQ is not there';
  try {
    execFileSync(PYTHON, ['-c', 'import oslo_messaging'], { stdio: 'ignore' });
    return false;
  } catch {
    return 'python3-oslo.messaging is not there';
  }
}

/** Starts a command, and settles when it says that it is ready. */
async function start(t, ...[command, args]) {
  const program = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(program, 'exit');
  t.after(async () => {
    program.kill();
    await ended;
  });
  let log = '';
  await new Promise((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      stream.on('data', (text) => {
        log += text;
        if (/Ready/.test(log)) resolve();
      });
    }
    program.on('exit', () => reject(new Error(log)));
  });
}

test('callers of both languages reach both services, and know their errors', {
  skip: await skipped(),
  timeout: 100_000,
}, async (t) => {
  // Queues are named by their topic alone.
  const topic = `images-${randomUUID().slice(0, 8)}`;
  t.after(async () => {
    const broker = new Connection('amqp://guest:guest@127.0.0.1:5672/');
    for (const queue of [topic, `${topic}.python`, `${topic}.node`]) await broker.queueDelete({ queue });
    await broker.exchangeDelete({ exchange: 'shop', ifUnused: true }).catch(() => {});
    await broker.close();
  });
  await Promise.all([
    start(t, PYTHON, ['images.py', URL, topic]),
    start(t, 'api-cli', ['--set', `service:images.topic=${topic}`]),
  ]);
  const python = async (...words) =>
    JSON.parse((await run(PYTHON, ['show.py', words[0], URL, topic, ...words.slice(1)])).stdout);
  const node = async (...words) => JSON.parse((await run('node', ['show.js', '--topic', topic, ...words])).stdout);
  const image = { id: 'a', size: 7, by: 'me' };
  const [first, second, third, fourth] = await Promise.all([
    python('a', 'node'),
    node('a', 'python'),
    python('b', 'node'),
    node('b', 'python'),
  ]);
  assert.deepEqual(
    [first, second],
    [
      { ...image, in: 'Node' },
      { ...image, in: 'Python' },
    ],
  );
  assert.deepEqual([third, fourth], [{ missing: 'b' }, { missing: 'b' }]);
  // Without a host the broker gives them to both in turn.
  const any = [await node('a'), await node('a')].map((each) => each.in);
  assert.deepEqual(any.toSorted(), ['Node', 'Python']);
});
