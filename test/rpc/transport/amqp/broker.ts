/** The RabbitMQ of the tests: `PORTICO_TEST_AMQP`, by default amqp://guest:guest@127.0.0.1:5672/. */
import { execFile } from 'node:child_process';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { Connection } from 'rabbitmq-client';

export const brokerUrl = process.env.PORTICO_TEST_AMQP ?? 'amqp://guest:guest@127.0.0.1:5672/';

/** False, or the reason to skip tests that need the broker. */
export const withoutBroker = (await isReachable()) ? false : `no RabbitMQ at ${new URL(brokerUrl).host}`;

/** A test that needs the broker. */
export function brokerTest(name: string, body: (t: TestContext) => Promise<void>): void {
  test(name, { skip: withoutBroker }, body);
}

const run = promisify(execFile);

/** Runs a command of `rabbitmqctl` and returns its output. */
export async function rabbitmqctl(...words: readonly string[]): Promise<string> {
  return (await run('rabbitmqctl', ['--quiet', ...words])).stdout;
}

/** Runs `work` with a separate connection, for operations that the driver does not have. */
export async function withBroker<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = new Connection(brokerUrl);
  connection.on('error', () => {});
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** Deletes the exchanges, queues and dead letters of a topic. */
export async function deleteTopic(exchange: string, topic: string, hosts: readonly string[] = []): Promise<void> {
  await withBroker(async (connection) => {
    const queues = [topic, ...hosts.map((host) => `${topic}.${host}`)].map((name) => `${exchange}.${name}`);
    for (const queue of [...queues, `${exchange}.dead`]) {
      await connection.queueDelete({ queue });
    }
    for (const name of [`${exchange}.portico`, `${exchange}.dlx`, `${exchange}.${topic}.fanout`]) {
      await connection.exchangeDelete({ exchange: name });
    }
  });
}

function isReachable(): Promise<boolean> {
  const { hostname, port } = new URL(brokerUrl);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port || 5672) });
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
