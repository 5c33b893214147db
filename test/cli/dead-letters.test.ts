/** `api-cli rpc dead`, over RabbitMQ. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rpc } from 'portico/rpc';
import { emptyProject, type Outcome } from '../e2e/program.js';
import { bodyOf } from '../rpc/bodies.js';
import { nextDeadLetter } from '../rpc/conformance.js';
import { gate, networkOf } from '../rpc/services.js';
import { brokerTest, brokerUrl, deleteTopic, rabbitmqctl, withBroker } from '../rpc/transport/amqp/broker.js';
import { ground } from '../rpc/transport/amqp/open-broker.js';
import { deleteOsloTopic, osloUrl } from '../rpc/transport/oslo/peer.js';
import { commandBeside } from './command.js';

interface Letter {
  readonly id: string;
  readonly topic: string;
  readonly host: string | null;
  readonly method: string | null;
  readonly reason: string;
  readonly died: string;
}

/** Runs `api-cli rpc dead` with this transport URL; the services continue beside it. */
function deadIn(url: string): (...words: string[]) => Promise<Outcome> {
  const { folder } = emptyProject({});
  writeFileSync(join(folder, 'portico.ini'), `[rpc]\ntransport_url = ${url}\n`, { mode: 0o600 });
  return (...words) => commandBeside(['rpc', 'dead', ...words], { cwd: folder });
}

function lettersOf({ status, stdout, stderr }: Outcome): readonly Letter[] {
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as { letters: readonly Letter[] }).letters;
}

/** A manager that fails until it is repaired. */
class Disks {
  readonly done: string[] = [];
  readonly repaired = gate();
  #works = false;
  repair(): void {
    this.#works = true;
  }
  @rpc({ ack: 'late', idempotent: true })
  async attach(_: unknown, { id }: { id: string; password?: string }): Promise<void> {
    if (!this.#works) throw new Error(`disk ${id} is broken`);
    this.done.push(id);
    if (this.done.length === 2) this.repaired.open();
  }
}

brokerTest(
  'OP-21 RP-95 dead letters are listed and shown, replayed to the queue they came from, and dropped',
  async (t) => {
    const exchange = `dead-${randomUUID().slice(0, 8)}`;
    const url = `${brokerUrl}?exchange=${exchange}`;
    const { serve, client } = networkOf(t, url);
    t.after(() => deleteTopic(exchange, 'images', ['north']));
    const dead = deadIn(url);
    const none = await dead('list');
    assert.deepEqual([none.status, none.stdout], [0, `0 dead letters of the exchange ${exchange}\n`]);
    const disks = new Disks();
    await serve(disks, { ini: '[rpc]\naccess_policy = public\n' });
    const context = { request_id: 'req-7' };
    await client().cast(context, 'attach', { id: 'a', password: 's3cret' });
    const south = client({ server: 'north' });
    await assert.rejects(south.call({}, 'attach', { id: 'b' }), { message: 'disk b is broken' });
    let letters: readonly Letter[] = [];
    while (letters.length < 2) letters = lettersOf(await dead('list', '--json'));
    const byHost = letters.toSorted((a, b) => (a.host ?? '').localeCompare(b.host ?? ''));
    assert.deepEqual(
      byHost.map(({ topic, host, method, reason }) => [topic, host, method, reason]),
      [
        ['images', null, 'attach', 'failed: Error: disk a is broken'],
        ['images', 'north', 'attach', 'failed: Error: disk b is broken'],
      ],
    );
    const [first] = byHost;
    const table = await dead('list', '--topic', 'images');
    assert.match(table.stdout, /^ID +TOPIC +HOST +METHOD +DIED +REASON\n/);
    assert.match(
      table.stdout,
      new RegExp(`${first!.id} +images +- +attach +\\S.* ago +failed: Error: disk a is broken`),
    );
    assert.match(table.stdout, new RegExp(`2 dead letters of the exchange ${exchange}: images 2\n$`));
    const shown = await dead('show', first!.id);
    assert.match(shown.stdout, /method +attach\n[\s\S]*request_id +req-7\narguments +id, password\n/);
    assert.doesNotMatch(shown.stdout, /s3cret/);
    disks.repair();
    const replayed = await dead('replay', '--topic', 'images');
    assert.deepEqual([replayed.status, replayed.stdout], [0, 'replayed 2 dead letters\n']);
    await disks.repaired.opened;
    assert.deepEqual(disks.done.toSorted(), ['a', 'b']);
    assert.deepEqual(lettersOf(await dead('list', '--json')), []);
  },
);

brokerTest(
  "RP-95 on oslo.messaging's topology, a policy of the broker keeps what expired: it is listed, shown, replayed and dropped",
  async (t) => {
    const [exchange, topic] = [`dead-${randomUUID().slice(0, 8)}`, `t${randomUUID().slice(0, 8)}`];
    const policy = JSON.stringify({ 'dead-letter-exchange': `${exchange}.dlx` });
    try {
      await rabbitmqctl('set_policy', topic, `^${topic}(\\.|$)`, policy, '--apply-to', 'queues');
    } catch (error) {
      return t.skip(`rabbitmqctl sets no policy here: ${(error as Error).message}`);
    }
    const url = `${osloUrl}?exchange=${exchange}`;
    const { serve, client } = networkOf(t, url);
    t.after(async () => {
      await rabbitmqctl('clear_policy', topic);
      await deleteOsloTopic(exchange, topic);
    });
    const dead = deadIn(url);
    const letters = async (): Promise<readonly Letter[]> => lettersOf(await dead('list', '--json'));
    const done = gate();
    const names: string[] = [];
    const attach = (_: unknown, { id }: { id: string }): void => {
      names.push(id);
      done.open();
    };
    await (await serve({ attach }, { topic })).stop();
    const brief = client({ topic, ttl: 0.05, mandatory: true });
    for (const id of ['a', 'b']) await brief.cast({ request_id: 'req-7' }, 'attach', { id, password: 's3cret' });
    let found = await letters();
    while (found.length < 2) found = await letters();
    assert.deepEqual(
      found.map(({ topic: of, host, method, reason }) => [of, host, method, reason]),
      [
        [topic, null, 'attach', 'expired'],
        [topic, null, 'attach', 'expired'],
      ],
    );
    const [first, second] = found;
    const shown = await dead('show', first!.id);
    assert.match(shown.stdout, /method +attach\n[\s\S]*request_id +req-7\narguments +id, password\n/);
    assert.doesNotMatch(shown.stdout, /s3cret/);
    await serve({ attach }, { topic });
    assert.equal((await dead('replay', first!.id)).stdout, 'replayed 1 dead letter\n');
    await done.opened;
    assert.deepEqual(names, ['a']);
    assert.equal((await dead('drop', second!.id)).stdout, 'dropped 1 dead letter\n');
    assert.deepEqual(await letters(), []);
  },
);

brokerTest('RP-95 what a sender wrote makes no separate line in what is printed', async (t) => {
  const { route, open } = ground(t);
  const dead = deadIn(`${brokerUrl}?exchange=${route.exchange}`);
  const transport = await open(brokerUrl);
  await transport.consume({ ...route, server: 'north' }, { prefetch: 1 }, ({ deadLetter }) => {
    void deadLetter('failed: Error: \nforged');
  });
  const body = bodyOf({ id: 'i', method: 'a\nforged \u001b[2J', args: { 'b\nforged': 1 }, ctx: {} });
  await transport.publish({ ...route, server: 'north' }, { id: 'id\nforged', body });
  while (lettersOf(await dead('list', '--json')).length < 1);
  for (const words of [['list'], ['show', 'id\nforged']]) {
    const { stdout } = await dead(...words);
    assert.match(stdout, /a\\nforged/);
    assert.doesNotMatch(stdout, /^forged/m);
    assert.ok(!stdout.includes('\u001b'));
  }
});

brokerTest(
  'RP-95 what is not confirmed is not forgotten: a replay that the broker refuses leaves the letter',
  async (t) => {
    const { route, open } = ground(t);
    const dead = deadIn(`${brokerUrl}?exchange=${route.exchange}`);
    const transport = await open(brokerUrl);
    const full = `${route.exchange}.full`;
    await withBroker(async (connection) => {
      t.after(() => withBroker((again) => again.queueDelete({ queue: full })));
      const limits = {
        'x-max-length': 1,
        'x-overflow': 'reject-publish' as const,
        'x-dead-letter-exchange': `${route.exchange}.dlx`,
      };
      await (await transport.consume(route, { prefetch: 1 }, () => {})).cancel();
      await connection.queueDeclare({ queue: full, durable: true, arguments: limits });
    });
    await transport.publish(full, { id: 'id-1', body: Buffer.from('a') }, { ttlMs: 1, mandatory: true });
    let letters: readonly Letter[] = [];
    while (letters.length < 1) letters = lettersOf(await dead('list', '--json'));
    await transport.publish(full, { id: 'id-2', body: Buffer.from('b') }, { mandatory: true });
    const replayed = await dead('replay', '--all');
    assert.equal(replayed.status, 1);
    assert.match(replayed.stdout, /id-1 is still a dead letter: .*refused message id-1/);
    assert.equal((await nextDeadLetter(transport, route.exchange)).message.id, 'id-1');
  },
);

test('RP-95 what cannot be is said: memory://, no selection, an id that is none, a broker that is not there', async () => {
  const memory = await deadIn('memory://')('list');
  assert.equal(memory.status, 78);
  assert.match(memory.stderr, /memory:\/\/, which cannot reach other processes[\s\S]*--config-file/);
  assert.match(memory.stderr, /transport_url to the URL of their broker/);
  // The command line is checked first.
  assert.equal((await deadIn('memory://')('drop')).status, 2);
  const away = deadIn('amqp://guest:s3cret@127.0.0.1:1/?retry_interval=0.1');
  for (const command of ['replay', 'drop']) {
    for (const words of [[], ['id-1', '--all'], ['--topic', 'images', '--all']]) {
      const wrong = await away(command, ...words);
      assert.deepEqual([wrong.status, /select messages by ids, --topic <name> or --all/.test(wrong.stderr)], [2, true]);
    }
  }
  const gone = await away('list');
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /is not connected/);
  assert.doesNotMatch(gone.stderr, /s3cret/);
});

brokerTest('RP-95 an id that is no dead letter’s is refused', async () => {
  const dead = deadIn(`${brokerUrl}?exchange=dead-${randomUUID().slice(0, 8)}`);
  for (const command of ['show', 'replay', 'drop']) {
    const { status, stderr } = await dead(command, 'id-9');
    assert.equal(status, 1);
    assert.match(stderr, /no dead letter has the id id-9\n {2}There are no dead letters\./);
  }
});

brokerTest('RP-95 a topic without letters is named beside those that have some', async (t) => {
  const { route, open } = ground(t);
  const dead = deadIn(`${brokerUrl}?exchange=${route.exchange}`);
  for (const command of ['list', 'replay', 'drop']) {
    const { status, stderr } = await dead(command, '--topic', 'imags');
    assert.deepEqual([status, stderr], [0, 'no dead letter is of the topic imags\n  There are no dead letters.\n']);
  }
  const transport = await open(brokerUrl);
  await transport.consume(route, { prefetch: 1 }, ({ deadLetter }) => void deadLetter('unreadable: not JSON'));
  await transport.publish(route, { id: 'id-1', body: Buffer.from('{') });
  while (lettersOf(await dead('list', '--json')).length < 1);
  await transport.publish(`${route.exchange}.dead`, { id: 'id-2', body: Buffer.from('{') }, { mandatory: true });
  assert.match((await dead('list', '--topic', 'imags')).stderr, /topic imags\n {2}Did you mean "images"\?\n$/);
  assert.match(
    (await dead('drop', '--topic', 'disks')).stderr,
    /topic disks\n {2}There are dead letters of images\.\n$/,
  );
  assert.match((await dead('list')).stdout, /: images 1, no topic 1\n$/);
});
