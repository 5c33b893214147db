import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rpc } from 'portico/rpc';
import { BadArguments, CallMeter, makeTransport } from '#internal/extras/rpc';
import { transportOptions } from './conformance.js';
import { gate, networkOf } from './services.js';

class Disks {
  readonly begun = gate();
  @rpc({ ack: 'late', idempotent: true })
  attach(): void {
    this.begun.open();
    throw new Error('no disk');
  }
}

for (const [deadLetter, dead] of [
  [true, ['unreadable', 'failed']],
  [false, []],
] as const) {
  test(`RP-93 a message that is refused is counted as a dead letter where these are kept: dead_letter = ${deadLetter}`, async (t) => {
    const { serve, client, transport } = networkOf(t);

    const disks = new Disks();
    const service = await serve(disks, {
      ini: `[metrics]\nenabled = true\n[rpc]\naccess_policy = public\ndead_letter = ${deadLetter}\n`,
    });
    const other = await makeTransport(transport, transportOptions());
    await other.connect();
    await other.publish({ exchange: 'portico', topic: 'images' }, { id: 'id-1', body: Buffer.from('{') });
    await client().cast({}, 'attach');
    await disks.begun.opened;
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    const { series } = service.meter.take();
    assert.deepEqual(
      series.filter(({ metric, sum }) => metric === 'callsDead' && sum > 0).map(({ labels }) => labels),
      dead.map((reason) => ['images', reason]),
    );
    await other.close();
  });
}

test('RP-93 a code that another service made up is no label of a metric', async (t) => {
  const { serve, client } = networkOf(t);

  await serve({
    fail: (_: unknown, { code }: { code: string }): never => {
      throw Object.assign(new BadArguments({ message: 'no disk' }), { code });
    },
  });
  const calls = client();
  const meter = new CallMeter();
  for (const code of ['PORTICO_RPC_A1', 'PORTICO_RPC_A2', 'PORTICO_RPC_BAD_ARGUMENTS']) {
    const sent = meter.sent('call', 'images', 'fail', () => calls.call({}, 'fail', { code }));
    await assert.rejects(sent, { remote: true });
  }
  assert.deepEqual(
    meter.take().series.map(({ labels }) => labels.at(-1)),
    ['remote_error', 'bad_arguments'],
  );
});

test('RP-93 the counters of a topic that is served begin at 0', async (t) => {
  const { serve } = networkOf(t);

  const service = await serve(new Disks(), { ini: '[metrics]\nenabled = true\n[rpc]\naccess_policy = public\n' });
  const { series } = service.meter.take();
  const known = series.flatMap(({ metric, labels, sum }) => (labels[0] === 'images' ? [[metric, labels[1], sum]] : []));
  assert.deepEqual(known, [
    ['callsDropped', 'duplicate', 0],
    ['callsDropped', 'expired', 0],
    ['callsDropped', 'cancelled', 0],
    ['callsDropped', 'stopping', 0],
    ['callsDead', 'unreadable', 0],
    ['callsDead', 'failed', 0],
    ['callsRedelivered', undefined, 0],
    ['repliesLost', undefined, 0],
  ]);
});
