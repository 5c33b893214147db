import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Transport } from 'portico/rpc';
import { MemoryBroker, MemoryTransport } from '#internal/rpc';
import { withNetwork } from '../services.js';

class Images {
  readonly called: string[] = [];
  size(_context: unknown, { id }: { id: string }): number {
    return this.called.push(id);
  }
}

test('RP-21 an envelope whose names are longer than names are, or whose time is none, is not read', async () => {
  const transport: Transport = new MemoryTransport(new MemoryBroker());
  await withNetwork(async ({ serve, client, log }) => {
    await serve(new Images(), { transport });
    const request = { v: '1.0', id: 'i', method: 'size', args: {}, ctx: {} };
    const long = 'x'.repeat(100_000);
    const wrong: object[] = [
      { method: long },
      { id: long },
      { ns: long },
      { ver: long },
      { reply: { to: long, id: 'r' } },
      { reply: { to: 'r', id: long } },
      { sent: 1e300 },
    ];
    for (const [at, members] of wrong.entries()) {
      const body = Buffer.from(JSON.stringify({ ...request, ...members }));
      await transport.publish({ exchange: 'portico', topic: 'images' }, { id: `${at}`, body });
    }
    const infinite = Buffer.from(JSON.stringify(request).replace('{}', '{},"deadline":1e999'));
    await transport.publish({ exchange: 'portico', topic: 'images' }, { id: 'infinite', body: infinite });
    assert.equal(await client({}, { transport }).call({}, 'size', { id: 'last' }), 1);
    const told = log.lines.filter(({ level }) => level !== 'debug').map(({ msg }) => msg);
    const unread = told.filter((line) => /^message (\d|infinite) cannot be read: it is not a request$/.test(line));
    assert.equal(unread.length, wrong.length + 1);
    assert.ok(told.every((line) => line.length < 300));
  })();
});
