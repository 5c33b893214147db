// The bare rabbitmq-client with the same two messages: a quorum queue, persistent messages, confirmed at both ends, mandatory, one
// acknowledgement when the work begins, replies through a queue of the client, and the members and properties of Portico's messages.
import { randomUUID } from 'node:crypto';
import { Connection } from 'rabbitmq-client';
import { answer, callOnDemand, serveUntilEnd } from './peer.mjs';

const [role, url, exchange] = process.argv.slice(2);
const queue = `${exchange}.bare`;
const [publishes, consumes] = [connection(), connection()];
const out = await publishes.acquire();
await out.confirmSelect();
const from = await consumes.acquire();

out.on('basic.return', ({ replyText }) => {
  throw new Error(`${role}: a message came back: ${replyText}`);
});

const properties = {
  durable: true,
  mandatory: true,
  contentType: 'application/json',
  contentEncoding: 'utf-8',
  type: 'portico.rpc',
  appId: `${process.pid}`,
};
const bytesOf = (value) => Buffer.from(JSON.stringify(value));

if (role === 'server') {
  await from.queueDeclare({ queue, durable: true, arguments: { 'x-queue-type': 'quorum' } });
  await from.basicQos({ prefetchCount: 64 });
  await from.basicConsume({ queue }, ({ body, deliveryTag, replyTo, correlationId }) => {
    from.basicAck({ deliveryTag });
    const { args } = JSON.parse(body);
    const result = { v: '1.0', id: correlationId, result: answer(args) };
    void out.basicPublish(
      { ...properties, routingKey: replyTo, correlationId, messageId: randomUUID() },
      bytesOf(result),
    );
  });
  serveUntilEnd();
} else {
  const replyTo = `reply_${randomUUID()}`;
  const pending = new Map();
  await from.queueDeclare({
    queue: replyTo,
    durable: true,
    arguments: { 'x-queue-type': 'classic', 'x-expires': 600_000 },
  });
  await from.basicQos({ prefetchCount: 256 });
  await from.basicConsume({ queue: replyTo, exclusive: true }, ({ body, deliveryTag }) => {
    from.basicAck({ deliveryTag });
    const { id, result } = JSON.parse(body);
    pending.get(id)(result);
    pending.delete(id);
  });
  callOnDemand(async (args) => {
    const id = randomUUID();
    const reply = new Promise((resolve) => pending.set(id, resolve));
    const request = {
      v: '1.0',
      method: 'build',
      args,
      ver: '1.0',
      ctx: { request_id: 'req-1', user_id: 'me' },
      sent: Date.now(),
      id,
      reply: { to: replyTo, id },
      deadline: 60_000,
    };
    const how = { ...properties, routingKey: queue, correlationId: id, messageId: id, replyTo, expiration: '60000' };
    const [result] = await Promise.all([reply, out.basicPublish(how, bytesOf(request))]);
    return result;
  });
}

function connection() {
  const made = new Connection({ url, noDelay: true });
  made.on('error', (error) => console.error(error));
  return made;
}
