import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCConnection } from 'portico/rpc';
import { networkOf } from '../services.js';

test('RP-24 a serializer turns an application’s own objects into data, and back', async (t) => {
  const { serve, transport, log } = networkOf(t);

  class Size {
    readonly bytes: number;
    constructor(bytes: number) {
      this.bytes = bytes;
    }
  }
  const serializer = {
    serializeEntity: (_: unknown, value: unknown) => (value instanceof Size ? { size: value.bytes } : value),
    deserializeEntity: (_: unknown, value: unknown) => {
      const { size } = (value ?? {}) as { size?: number };
      return size === undefined ? value : new Size(size);
    },
    serializeContext: (context: unknown) => ({ of: (context as { user: string }).user }),
    deserializeContext: ({ of }: Readonly<Record<string, unknown>>) => ({ user: of }),
  };
  class Sizes {
    double(context: { user: string }, { size }: { size: Size }): Size {
      assert.deepEqual(context, { user: 'me' });
      return new Size(size.bytes * 2);
    }
  }
  await serve(new Sizes(), { serializer });
  const connection = new RPCConnection({ transport, log: log.log, serializer });
  const doubled = await connection
    .client({ topic: 'images' })
    .of<Sizes>()
    .double({ user: 'me' }, { size: new Size(7) });
  assert.ok(doubled instanceof Size);
  assert.equal(doubled.bytes, 14);
  await connection.close();
});

test('RP-24 a serializer may be an instance of a class, and make null of what came', async (t) => {
  const { serve, client } = networkOf(t);

  class Words {
    readonly #nothing = 'nothing';
    serializeEntity(_context: unknown, value: unknown): unknown {
      return value ?? this.#nothing;
    }
    deserializeEntity(_context: unknown, value: unknown): unknown {
      return value === this.#nothing ? null : value;
    }
  }
  const serializer = new Words();
  const owners: (string | null)[] = [];
  await serve(
    {
      own: (_: unknown, { owner }: { owner: string | null }) => {
        owners.push(owner);
        return owner;
      },
    },
    { serializer },
  );
  const api = client({}, { serializer });
  assert.equal(await api.call({}, 'own', { owner: null }), null);
  assert.equal(await api.call({}, 'own', { owner: 'me' }), 'me');
  assert.deepEqual(owners, [null, 'me']);
});
