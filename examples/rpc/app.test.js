import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

const broker = connect(5672, '127.0.0.1');
const hasBroker = await once(broker, 'connect').then(
  () => true,
  () => false,
);
broker.destroy();
const skip = hasBroker ? false : 'RabbitMQ is not there';

test('the API asks a service in another process, and its errors come back', { skip, timeout: 60_000 }, async (t) => {
  const program = spawn('api-cli', ['--set', 'api:front.port=0']);
  const ended = once(program, 'exit');
  t.after(() => program.kill());
  let log = '';
  for await (const text of program.stderr.iterator({ destroyOnReturn: false })) {
    log += text;
    if (/Ready/.test(log)) break;
  }
  const [address] = /127\.0\.0\.1:\d+/.exec(log) ?? assert.fail(log);
  const resized = await (await fetch(`http://${address}/images/a/7`)).json();
  assert.deepEqual([resized.size, resized.by], [7, 'me']);
  assert.match(log, new RegExp(`Child ${resized.pid} is ready`));
  assert.equal((await fetch(`http://${address}/images/b/7`)).status, 404);
  program.kill();
  assert.deepEqual(await ended, [0, null]);
});
