import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { DeliveryFailure, rpc } from 'portico/rpc';
import { gate } from '../services.js';
import { delivering, requestMessage, route, served, settled } from './served-object.js';

test('RP-59 RP-82 a reply whose caller is gone is tried for a while, and does not hold up others', async () => {
  const { clock, transport, client, messages } = await served({ work: () => 'done' });
  const lost = { reply: { to: 'reply_gone', id: 'call-1' } };
  await transport.publish(route, requestMessage('id-1', 'work', lost));
  await settled();
  assert.equal(await client.call({}, 'work'), 'done');
  await clock.advance(31_000);
  const given = (): string[] => messages().filter((line) => line.includes('was not delivered'));
  assert.deepEqual(given().length, 1);
  assert.match(
    given()[0]!,
    /^Object\.work|^endpoint\.work: the reply to call call-1 was not delivered, 30\d\d\d ms after/,
  );
  await transport.publish(route, requestMessage('id-2', 'work', lost));
  await settled();
  assert.equal(given().length, 2, 'its address is known to be gone');
});

test('RP-82 replies whose callers are gone hold up no handler', async () => {
  const { transport, client } = await served({ work: () => 'done' });
  for (const id of ['a', 'b', 'c', 'd']) {
    await transport.publish(route, requestMessage(id, 'work', { reply: { to: `reply_gone_${id}`, id } }));
  }
  await settled();
  assert.equal(await client.call({}, 'work'), 'done');
});

test('RP-86 a late method whose message the broker does not take back holds up a stop for four seconds, and no longer', async () => {
  const stuck = gate();
  const requeue = (): Promise<void> => {
    stuck.open();
    return new Promise(() => {});
  };
  const change = (transport: Parameters<typeof delivering>[0]): void =>
    delivering(transport, (delivery) => ({ ...delivery, requeue }));
  const work = rpc({ ack: 'late', idempotent: true })(async () => {
    throw Object.assign(new Error('busy'), { retryable: true });
  });
  const { clock, transport, server } = await served({ work }, { change });
  await transport.publish(route, requestMessage('id-1', 'work'));
  await stuck.opened;
  await server.stopAccepting();
  let isOver = false;
  const over = server.finish(0).then(() => {
    isOver = true;
  });
  for (let second = 0; second < 8; second++) {
    await settled();
    await clock.advance(1000);
  }
  assert.equal(isOver, true);
  await over;
});

test('RP-82 replies that wait for another try are bounded by their bytes: further ones are lost, and are counted', async () => {
  for (const [calls, bytes, most] of [[300, 90_000, 190]] as const) {
    const { clock, transport, messages, meter } = await served({ work: () => 'x'.repeat(bytes) });
    const tried = new Set<string>();
    const publish = transport.publish.bind(transport);
    transport.publish = (to, message, options) => {
      if (typeof to === 'string') tried.add(to);
      return publish(to, message, options);
    };
    for (let id = 0; id < calls; id++) {
      await transport.publish(route, requestMessage(`${id}`, 'work', { reply: { to: `reply_${id}`, id: `${id}` } }));
      await settled();
    }
    assert.equal(tried.size, calls, 'each is tried once');
    const given = messages().filter((line) => line.includes('was not delivered'));
    assert.ok(calls - given.length <= most, `${calls - given.length} are kept`);
    assert.ok(calls - given.length >= most - 20);
    assert.equal(meter.take().series.find(({ metric }) => metric === 'repliesLost')?.sum, given.length);
    tried.clear();
    await clock.advance(1000);
    assert.equal(tried.size, calls - given.length, 'what is kept is tried again');
  }
});

test('RP-82 a reply that waits for another try keeps neither the arguments of its call nor its result', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const seen: WeakRef<object>[] = [];
  const work = (_context: unknown, { image }: { image: object }): object => {
    const result = { size: 1 };
    seen.push(new WeakRef(image), new WeakRef(result));
    return result;
  };
  const { clock, transport } = await served({ work });
  // Made here: the stack of an error keeps the objects of its frames.
  const away = new DeliveryFailure({ message: 'away' });
  const publish = transport.publish.bind(transport);
  transport.publish = (to, ...rest) => (typeof to === 'string' ? Promise.reject(away) : publish(to, ...rest));
  const more = { args: { image: { pixels: 'x' } }, reply: { to: 'reply_gone', id: 'call-1' } };
  await transport.publish(route, requestMessage('id-1', 'work', more));
  await settled();
  await clock.advance(500);
  // A WeakRef keeps its object until the end of a turn.
  await new Promise((resolve) => setImmediate(resolve));
  collect();
  assert.deepEqual(
    seen.map((each) => each.deref()),
    [undefined, undefined],
  );
});

test('a result that the broker will never take is an error of its caller, who does not call again', async () => {
  const { clock, transport, client, messages } = await served({ work: () => 'x'.repeat(5000) });
  const publish = transport.publish.bind(transport);
  const refuse: typeof publish = async (to, message, options) => {
    if (typeof to === 'string' && message.body.length > 4000)
      throw new DeliveryFailure({ message: 'it has more than 4000 bytes', final: true });
    return publish(to, message, options);
  };
  transport.publish = refuse;
  const message = 'the result of endpoint.work was refused: it has more than 4000 bytes';
  await assert.rejects(client.call({}, 'work'), { code: 'PORTICO_NOT_PLAIN', message, remote: true });
  assert.equal(messages().filter((line) => line.includes('was not delivered')).length, 0);
  // Also by a later try, when the handler has ended.
  let isAway = true;
  transport.publish = async (to, ...rest) => {
    if (typeof to === 'string' && isAway) throw new DeliveryFailure({ message: 'away' });
    return refuse(to, ...rest);
  };
  const refused = assert.rejects(client.call({}, 'work'), { code: 'PORTICO_NOT_PLAIN', message });
  await settled();
  isAway = false;
  await clock.advance(1000);
  await refused;
});

test('an error that the broker will never take is sent without its members', async () => {
  const work = (): never => {
    throw Object.assign(new Error('no disk'), { plan: 'x'.repeat(5000) });
  };
  const { transport, client } = await served({ work });
  const publish = transport.publish.bind(transport);
  transport.publish = async (to, message, options) => {
    if (typeof to === 'string' && message.body.length > 4000)
      throw new DeliveryFailure({ message: 'it has more than 4000 bytes', final: true });
    return publish(to, message, options);
  };
  await assert.rejects(client.call({}, 'work'), { code: 'PORTICO_RPC_REMOTE_ERROR', message: 'no disk', data: {} });
});

test('a reply that the broker will never take, whatever it has, is given up and counted once', async () => {
  const { clock, transport, messages, meter } = await served({ work: () => 'x' });
  let tries = 0;
  const publish = transport.publish.bind(transport);
  transport.publish = async (to, message, options) => {
    if (typeof to !== 'string') return publish(to, message, options);
    tries += 1;
    throw new DeliveryFailure({ message: 'it is too large', final: true });
  };
  await transport.publish(route, requestMessage('id-1', 'work', { reply: { to: 'reply_1', id: 'id-1' } }));
  await settled();
  await clock.advance(10_000);
  assert.equal(tries, 3, 'the result, the error in its place, and that without members');
  assert.ok(messages().some((line) => /the reply to call id-1 was not delivered/.test(line)));
  assert.equal(meter.take().series.find(({ metric }) => metric === 'repliesLost')?.sum, 1);
});

test('RP-58 a caller that asks for heartbeats every millisecond gets twenty in a second', async () => {
  const end = gate();
  const { clock, transport } = await served({ work: () => end.opened });
  let beats = 0;
  const publish = transport.publish.bind(transport);
  transport.publish = (to, message, options) => {
    if (typeof to === 'string') beats += 1;
    return publish(to, message, options);
  };
  await transport.publish(route, requestMessage('id-1', 'work', { monitor: 1, reply: { to: 'reply_1', id: 'id-1' } }));
  await settled();
  await clock.advance(1000);
  assert.equal(beats, 20);
  end.open();
  await settled();
});
