import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { Config } from 'portico/config';
import { RPCConnection } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { packed, unpacked } from '../../../dist/extras/rpc/message/wire-format.js';
import { networkOf } from '../services.js';

test('RP-27 a message that is longer than 16 MiB is refused where it is sent', async (t) => {
  const { serve, client } = networkOf(t);

  await serve({ size: (_: unknown, { text }: { text: string }) => text.length });
  await assert.rejects(client().call({}, 'size', { text: 'a'.repeat(2 ** 24) }), { code: 'PORTICO_NOT_PLAIN' });
  assert.equal(await client().call({}, 'size', { text: 'a'.repeat(2 ** 20) }), 2 ** 20);
});

/** Values that Python would read as something else. */
const BEYOND_JSON: Readonly<Record<string, readonly [unknown, string]>> = {
  nan: [Number.NaN, 'NaN'],
  infinite: [[Number.NEGATIVE_INFINITY], '0: -Infinity'],
  map: [new Map([['a', 1]]), 'a Map'],
  set: [{ ids: new Set([1]) }, 'ids: a Set'],
  bytes: [Buffer.from('a'), 'a Buffer'],
};

test('PY-7 RP-25 on oslo+rabbit:// a value that JSON lacks is an error of its sender, and is not sent', async (t) => {
  const transport = new MemoryTransport(new MemoryBroker());
  let requests = 0;
  const publish = transport.publish.bind(transport);
  transport.publish = (to, message, options) => {
    if (typeof to !== 'string') requests++;
    return publish(to, message, options);
  };
  const ini = '[rpc]\ntransport_url = oslo+rabbit://broker/\n';
  const { serve, client, log } = networkOf(t);
  class Busy extends Error {}
  const manager = {
    echo: (_: unknown, args: object) => args,
    give: (_: unknown, { what }: { what: string }) => BEYOND_JSON[what]![0],
    fail: () => {
      throw Object.assign(new Busy('later'), { kwargs: { of: new Map([[1, 2]]) } });
    },
  };
  await serve(manager, { ini, transport });
  const caller = client({}, { ini, transport });
  const kept = { at: new Date(0), large: 2n ** 70n, list: [null, 1.5, {}] };
  assert.deepEqual(await caller.call({ at: new Date(1) }, 'echo', kept), kept);
  const rpc = new RPCConnection({ config: Config.fromText(ini), transport, log: log.log });
  const before = requests;
  for (const [what, [value, found]] of Object.entries(BEYOND_JSON)) {
    const at = /^(\d|ids)/.test(found) ? `.${found}` : `: ${found}`;
    const refused = (place: string): object => ({
      code: 'PORTICO_NOT_PLAIN',
      message: `${place}${at}, which Python would not read as it is`,
    });
    const where = 'echo of images (exchange portico)';
    await assert.rejects(caller.call({}, 'echo', { value }), refused(`${where}: args.value`));
    await assert.rejects(caller.cast({}, 'echo', { a: { value } }), refused(`${where}: args.a.value`));
    await assert.rejects(caller.call({ value }, 'echo'), refused(`${where}: _context_value`));
    const told = rpc.notifier({ publisherId: 'images.north' }).info({}, 'images.end', { value });
    await assert.rejects(told, refused('the notification images.end: payload.value'));
    assert.equal(requests, before, what);
    await assert.rejects(caller.call({}, 'give', { what }), {
      ...refused('the result of endpoint.give: result'),
      remote: true,
    });
    requests = before;
  }
  await assert.rejects(caller.call({}, 'fail'), { type: 'Busy', message: 'later', data: {} });
  assert.ok(log.messages().includes('endpoint.fail: its error is sent without its members'));
  await rpc.close();
});

test('RP-27 what is compressed becomes no longer than a message may be', () => {
  const most = { maxBytes: 1_000_000 };
  const body = deflateSync(packed('a'.repeat(500_000), 'it', most));
  assert.ok(body.length < 1000);
  assert.equal(unpacked(body, most).length, 500_000);
  assert.throws(() => unpacked(body, { maxBytes: 1000 }), /1000 bytes are allowed/);
  assert.throws(() => unpacked(body.subarray(0, 100), most), /it is compressed, and cannot be read/);
});
