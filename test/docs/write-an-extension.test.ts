/** The transport of docs/how-to/write-an-extension.md where processes die and files cannot be removed; `how-to.test.ts` runs the page. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { transformSync } from 'esbuild';
import { Config } from 'portico/config';
import { type Delivery, type Transport, transportConformance } from 'portico/rpc';
import { emptyProject } from '../fixtures/project.js';
import { blocksOf } from './page.js';

const blocks = blocksOf('docs/how-to/write-an-extension.md').filter(({ file }) => file?.startsWith('spool/'));
const route = { exchange: 'shop', topic: 'images' };

/** A project with the files of the page, in JavaScript. */
interface Page {
  readonly folder: string;
  readonly directory: string;
  open(limit?: number): Promise<Transport>;
}

function pageFor(t: TestContext): Page {
  const files = blocks.map(({ file, text }) => {
    const { code } = transformSync(text.replaceAll(/(?<=from '\.\/\w+)\.ts'/g, ".js'"), { loader: 'ts' });
    return [file!.replace(/\.ts$/, '.js'), code] as const;
  });
  const project = emptyProject(Object.fromEntries(files));
  const directory = join(project.folder, 'queues');
  const config = Config.fromText(`[spool]\ndirectory = ${directory}\npoll_ms = 1\nlease = 1\n`);
  const open = async (deliveryLimit = 3): Promise<Transport> => {
    const { spoolTransport } = (await import(pathToFileURL(join(project.folder, 'spool/transport.js')).href)) as {
      spoolTransport: (url: string, options: object, config: Config) => Transport;
    };
    const transport = spoolTransport('spool://', { deliveryLimit, deadLetter: true }, config);
    await transport.connect();
    t.after(() => transport.close());
    return transport;
  };
  return { folder: project.folder, directory, open };
}

/** Returns the next delivery of the route; the consumer continues. */
function next(transport: Transport): Promise<Delivery> {
  return new Promise((resolve) => void transport.consume(route, { prefetch: 1 }, resolve));
}

const reasonsOf = async (transport: Transport): Promise<unknown[]> => {
  const reasons: unknown[] = [];
  await transport.eachDeadLetter('shop', async ({ death }) => void reasons.push(death?.reason));
  return reasons;
};

const options = { timeout: 20_000 };

test('the files of the page have at most 200 lines', () => {
  const lines = blocks.flatMap(({ text }) => text.split('\n').filter((line) => !/^$|^\/\/ spool\//.test(line)));
  assert.ok(lines.length <= 200, `${lines.length} lines`);
});

test(
  'the transport of the page makes room for the next message, also if a message cannot be removed',
  options,
  async (t) => {
    const { open, directory } = pageFor(t);
    const transport = await open();
    await transport.declareQueue(route);
    for (const body of ['one', 'two']) await transport.publish(route, { body: Buffer.from(body), id: body });
    const got: Delivery[] = [];
    const [queue] = readdirSync(directory);
    let refused: Promise<void> | undefined;
    await new Promise<void>((resolve) => {
      void transport.consume(route, { prefetch: 1 }, (delivery) => {
        if (got.push(delivery) === 2) {
          resolve();
          return;
        }
        const taken = readdirSync(join(directory, queue!)).find((name) => name.endsWith('.taken'))!;
        rmSync(join(directory, queue!, taken));
        // A folder is not removed as a file.
        mkdirSync(join(directory, queue!, taken));
        refused = assert.rejects(delivery.ack(), { code: 'PORTICO_RPC_DELIVERY_FAILURE' });
      });
    });
    await refused;
    assert.deepEqual(
      got.map(({ message }) => String(message.body)),
      ['one', 'two'],
    );
    await got[1]!.ack();
  },
);

test('a message that a killed process had taken comes back, until its delivery limit', options, async (t) => {
  const { open, folder, directory } = pageFor(t);
  const transport = await open(1);
  await transport.declareQueue(route);
  await transport.publish(route, { body: Buffer.from('one'), id: '1' });
  const program = `
    import { Config } from 'portico/config';
    import { spoolTransport } from './spool/transport.js';
    const config = Config.fromText(${JSON.stringify(`[spool]\ndirectory = ${directory}\npoll_ms = 1\nlease = 1\n`)});
    const transport = spoolTransport('spool://', { deliveryLimit: 1, deadLetter: true }, config);
    await transport.connect();
    await transport.consume(${JSON.stringify(route)}, { prefetch: 1 }, () => console.log('taken'));`;
  const killed = async (): Promise<void> => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program], { cwd: folder });
    await once(child.stdout, 'data');
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  };
  await killed();
  const { redelivered, count, message, requeue } = await next(transport);
  assert.deepEqual([String(message.body), redelivered, count], ['one', true, 2]);
  await requeue();
  while ((await reasonsOf(transport)).length === 0) await after(5);
  assert.deepEqual(await reasonsOf(transport), ['delivery_limit']);
});

test('a message whose time is up is a dead letter; those of a removed queue too', options, async (t) => {
  const { open } = pageFor(t);
  const transport = await open();
  await transport.declareQueue(route);
  await transport.publish(route, { body: Buffer.from('late'), id: '1' }, { ttlMs: 10 });
  await transport.publish(route, { body: Buffer.from('in time'), id: '2' }, { ttlMs: 60_000 });
  await after(20);
  const { message, ack } = await next(transport);
  assert.deepEqual([String(message.body), message.ttlMs], ['in time', 60_000]);
  await ack();
  assert.deepEqual(await reasonsOf(transport), ['expired']);
  assert.equal(await transport.removeQueue(route), false);
  const north = { ...route, server: 'north' };
  await transport.declareQueue(north);
  await transport.publish(north, { body: Buffer.from('waits'), id: '3' });
  assert.equal(await transport.removeQueue(north), true);
  assert.deepEqual(await reasonsOf(transport), ['expired', 'queue_removed']);
});

/** Cases in which consumers of several connections know of each other, or nobody consumes: what the page says that it leaves out. */
const LEFT_OUT = [
  'each message of a topic goes to one of its consumers, in turn',
  'a message for a host goes to that host alone; workers of the host share it',
  'a queue that is consumed stays',
  'a message whose time is up is a dead letter',
  'a dead letter of a fanout has the address of the one consumer that refused it',
  'a message can come back after a delay',
  'a short delay does not wait behind a long one',
];

test('the transport of the page keeps the rules of transports that it does not name as left out', {
  timeout: 240_000,
}, async (t) => {
  const { open } = pageFor(t);
  const broken: string[] = [];
  for (const { name, run } of await transportConformance(() => open(2))) {
    if (LEFT_OUT.includes(name)) continue;
    await run().catch((error: Error) => broken.push(`${name}: ${error.message}`));
  }
  assert.deepEqual(broken, []);
});
