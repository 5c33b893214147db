import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { deflateSync } from 'node:zlib';
import type { RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import { type Message, type Route, RPCConnection, type RPCService } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/extras/rpc';
import { packed, WireFormat } from '../../../dist/extras/rpc/message/wire-format.js';
import { gate, networkOf } from '../services.js';

const [OLD, NEW, OTHER] = ['o', 'n', 'x'].map((letter) => letter.repeat(32)) as [string, string, string];

const signed = (...keys: string[]): string => `[rpc]\nrequire_signature = yes\nsigning_keys = ${keys.join(',')}\n`;

class Images {
  readonly called: string[] = [];
  size(_context: unknown, { id }: { id: string }): number {
    return this.called.push(id);
  }
}

test('RP-90 RP-91 with require_signature nothing is run that is not signed, and its text is in no log', async (t) => {
  const { serve, client, log } = networkOf(t);

  const images = new Images();
  await serve(images, { ini: signed(`a:${OLD}`) });
  const call = (ini: string, id: string, timeout = 0.2): Promise<number> =>
    client({ timeout }, { ini }).call({ is_admin: true }, 'size', { id });
  assert.equal(await call(signed(`a:${OLD}`), 'right', 60), 1);
  const timeout = { code: 'PORTICO_RPC_TIMEOUT' };
  await assert.rejects(call('', 'unsigned'), timeout);
  await assert.rejects(call(signed(`a:${OTHER}`), 'wrong'), timeout);
  await assert.rejects(call(signed(`b:${OLD}`), 'unknown'), timeout);
  assert.deepEqual(images.called, ['right']);
  const warned = log.lines.filter(({ level }) => level === 'warn').map(({ msg }) => msg.replace(/^message \S+ /, ''));
  assert.deepEqual(warned, [
    'cannot be read: it is not signed',
    'cannot be read: its signature by the key "a" is wrong',
    'cannot be read: it is signed by the key "b", which is unknown here',
  ]);
  assert.doesNotMatch(JSON.stringify(log.lines), new RegExp(`${OLD}|${OTHER}|unsigned|"wrong"`));
});

test('RP-90 keys are changed without a call that fails: added everywhere, then first everywhere, then alone', async (t) => {
  const { serve, client } = networkOf(t);

  const steps = [
    signed(`a:${OLD}`),
    signed(`a:${OLD}`, `b:${NEW}`),
    signed(`b:${NEW}`, `a:${OLD}`),
    signed(`b:${NEW}`),
  ];
  for (const [at, ini] of steps.entries()) {
    const service: RPCService = await serve(new Images(), { ini, topic: `step${at}` });
    for (const caller of steps.slice(Math.max(0, at - 1), at + 2)) {
      assert.ok((await client({ topic: `step${at}` }, { ini: caller }).call({}, 'size', { id: 'a' })) as number);
    }
    await service.stop();
  }
});

test('RP-90 where signatures are not required, what is not signed is taken and a wrong signature is not', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Images(), { ini: `[rpc]\nsigning_keys = a:${OLD}\n` });
  assert.equal(await client().call({}, 'size', { id: 'a' }), 1);
  const wrong = client({ timeout: 0.2 }, { ini: `[rpc]\nsigning_keys = a:${NEW}\n` });
  await assert.rejects(wrong.call({}, 'size', { id: 'b' }), { code: 'PORTICO_RPC_TIMEOUT' });
});

test('RP-90 a signature covers every byte, and holds for five minutes', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const formats = new WireFormat({ maxBytes: 1000, signingKeys: new Map([['a', OLD]]), requireSignature: true });
  const format = formats.at('portico images');
  const text = '{"method":"resize","args":{"id":"a"},"_context_is_admin":false}';
  const sealed = format.seal(packed(text, 'it', 1000));
  assert.equal(format.open(sealed), text);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 1;
    assert.throws(() => format.open(changed), TypeError, `byte ${at}`);
  }
  t.mock.timers.tick(300_000);
  format.open(sealed);
  t.mock.timers.tick(1);
  assert.throws(() => format.open(sealed), /its signature is too old/);
  formats.with({ windowMs: Number.POSITIVE_INFINITY }).at('portico images').open(sealed);
  assert.throws(
    () => formats.with({ windowMs: Number.POSITIVE_INFINITY }).at('portico volumes').open(sealed),
    /its signature by the key "a" is wrong/,
  );
});

test('AT-14 RP-74 RP-90 a copied message is run by each other process of its queue once at most, and after five minutes by none', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  const transport = new MemoryTransport(new MemoryBroker());
  const { serve, client, log } = networkOf(t);
  const ini = signed(`a:${OLD}`);
  const publish = transport.publish.bind(transport);
  let copied: Message | undefined;
  transport.publish = (to, message, options) => {
    if (typeof to !== 'string') copied ??= message;
    return publish(to, message, options);
  };
  const services = [new Images(), new Images(), new Images()];
  for (const images of services) await serve(images, { ini, transport });
  await client({}, { ini, transport }).call({}, 'size', { id: 'paid' });
  const settledAs = async (count: number, text: RegExp): Promise<void> => {
    while (log.messages().filter((line) => text.test(line)).length < count) {
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const topic = { exchange: 'portico', topic: 'images' };
  for (let copy = 0; copy < 9; copy++) await publish(topic, copied!, { mandatory: true });
  await settledAs(7, /was dropped, it is a duplicate/);
  const counts = services.map(({ called }) => called.length);
  assert.deepEqual(counts, [1, 1, 1]);
  t.mock.timers.tick(300_001);
  for (let copy = 0; copy < 3; copy++) await publish(topic, copied!, { mandatory: true });
  await settledAs(3, /its signature is too old/);
  assert.deepEqual(
    services.map(({ called }) => called.length),
    [1, 1, 1],
  );
});

test('RP-90 a signed message is taken by the topic, the host or the caller that it was sent to, and by no other', async (t) => {
  const transport = new MemoryTransport(new MemoryBroker());
  const sent: { readonly to: Route | string; readonly message: Message }[] = [];
  const publish = transport.publish.bind(transport);
  transport.publish = (to, message, options) => {
    sent.push({ to, message });
    return publish(to, message, options);
  };
  const { serve, client, log } = networkOf(t);
  const images = new Images();
  const ini = signed(`a:${OLD}`);
  const found = async (text: string, times: number): Promise<void> => {
    const lines = (): number => log.messages().filter((line) => line.includes(text)).length;
    while (lines() < times) await new Promise((resolve) => setImmediate(resolve));
  };
  await serve(images, { ini, transport });
  await serve(images, { ini, transport, host: 'south', topic: 'volumes', binary: 'portico-volumes' });
  await serve(images, { ini: `${ini}exchange = others\n`, transport });
  const [caller, other] = [client({}, { ini, transport }), client({}, { ini, transport })];
  await caller.call({}, 'size', { id: 'called' });
  await caller.prepare({ server: 'north' }).call({}, 'size', { id: 'directed' });
  await caller.prepare({ fanout: true }).cast({}, 'size', { id: 'copied' });
  await other.call({}, 'size', { id: 'other' });
  while (images.called.length < 4) await new Promise((resolve) => setImmediate(resolve));
  const messageOf = (id: string): Message =>
    sent.find(({ message: { body } }) => Buffer.from(body).includes(`\\"${id}\\"`))!.message;
  const called = messageOf('called');
  const directed = messageOf('directed');
  const copied = messageOf('copied');
  const topic = { exchange: 'portico', topic: 'images' };
  const volumes = { exchange: 'portico', topic: 'volumes' };
  const elsewhere: [Route, Message][] = [
    [volumes, called],
    [{ ...topic, exchange: 'others' }, called],
    [{ ...topic, server: 'north' }, called],
    [{ ...topic, fanout: true }, called],
    [topic, directed],
    [{ ...volumes, server: 'south' }, directed],
    [{ ...topic, fanout: true }, directed],
    [topic, copied],
    [{ ...volumes, fanout: true }, copied],
  ];
  for (const [to, message] of elsewhere) await publish(to, message, { mandatory: true });
  await found('cannot be read: its signature by the key "a" is wrong', elsewhere.length);
  assert.deepEqual(images.called.toSorted(), ['called', 'copied', 'directed', 'other']);
  const replies = sent.filter(({ to }) => typeof to === 'string');
  await publish(replies.at(-1)!.to, replies[0]!.message, { mandatory: true });
  await found(`reply ${replies[0]!.message.id} cannot be read`, 1);
});

test('RP-38 RP-87 RP-90 with signatures a call goes to the first topic where the second is not there, and is cancelled', async (t) => {
  const { serve, client } = networkOf(t);

  const [began, aborted] = [gate(), gate()];
  const ini = signed(`a:${OLD}`);
  await serve(
    {
      async wait({ signal }: RequestContext): Promise<void> {
        signal!.addEventListener('abort', aborted.open);
        began.open();
        await aborted.opened;
      },
    },
    { ini },
  );
  const abort = new AbortController();
  const call = client({ altTopic: 'images-alt', signal: abort.signal }, { ini }).call({}, 'wait');
  await began.opened;
  abort.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
  await aborted.opened;
});

test('RP-90 keys that cannot be are refused without being shown, and a connection that is shown has none', () => {
  const refused = (keys: string, message: string): void => {
    const config = Config.fromText(`[rpc]\nrequire_signature = yes\nsigning_keys = ${keys}\n`);
    assert.throws(
      () => new RPCConnection({ config }),
      (error: Error) => {
        assert.equal((error as Error & { code: string }).code, 'PORTICO_RPC_SIGNING');
        assert.match(error.message, new RegExp(message));
        assert.doesNotMatch(inspect(error), /short|ooooo/);
        return true;
      },
    );
  };
  refused('', 'signing_keys has no key');
  refused(`a:${OLD},b:short`, 'pair 2 is not a key');
  refused(`${OLD}${OLD}:a`, 'pair 1 is not a key');
  const connection = new RPCConnection({ config: Config.fromText(signed(`a:${OLD}`)) });
  assert.doesNotMatch(inspect(connection, { depth: 9, showHidden: true }), /ooooo/);
});

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
  const sender = new WireFormat({ maxBytes: 1_000_000 }).at('');
  const sealed = deflateSync(sender.seal(packed('a'.repeat(500_000), 'it', 1_000_000)));
  assert.ok(sealed.length < 1000);
  assert.equal(sender.open(sealed).length, 500_000);
  const receiver = new WireFormat({ maxBytes: 1000 }).at('');
  assert.throws(() => receiver.open(sealed), /1000 bytes are allowed/);
  assert.throws(() => sender.open(sealed.subarray(0, 100)), /it is compressed, and cannot be read/);
});
