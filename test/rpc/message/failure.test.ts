import assert from 'node:assert/strict';
import { test } from 'node:test';
import { networkOf } from '../services.js';

class NotFound extends Error {
  readonly id: string;
  constructor(id: string) {
    super(`there is no image ${id}`);
    this.id = id;
  }
}

class Failing {
  find(_context: unknown, { id }: { id: string }): never {
    throw Object.assign(new NotFound(id), { save: () => {}, tries: 2, code: 'E_GONE' });
  }
  throwText(): never {
    throw 'text';
  }
}

test('RP-52 RP-53 RP-56 an error comes back as its class where that is declared, else as a RemoteError with what it said', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Failing());
  const error = await client({ allowedErrors: [NotFound] })
    .call({}, 'find', { id: 'a' })
    .catch((each: unknown) => each);
  assert.ok(error instanceof NotFound && error instanceof Error);
  const { message, id, name } = error;
  assert.deepEqual([message, id, name, 'save' in error], ['there is no image a', 'a', 'NotFound', false]);
  const { remote, remoteHost, code } = error as NotFound & { remote: true; remoteHost: string; code: string };
  assert.deepEqual([remote, remoteHost, code], [true, 'north', 'E_GONE']);
  await assert.rejects(client().call({}, 'find', { id: 'a' }), {
    code: 'PORTICO_RPC_REMOTE_ERROR',
    message: 'there is no image a',
    type: 'NotFound',
    remoteCode: 'E_GONE',
    data: { id: 'a', tries: 2 },
  });
  await assert.rejects(client().call({}, 'throwText'), { code: 'PORTICO_RPC_REMOTE_ERROR', message: 'text' });
});

test('RP-55 the stack of what failed stays with its process', async (t) => {
  const { serve, client } = networkOf(t);

  await serve(new Failing());
  const error: unknown = await client()
    .call({}, 'find', { id: 'a' })
    .catch((each: unknown) => each);
  assert.ok(!JSON.stringify(error).includes('call-client'));
  assert.equal((error as { remoteStack?: string }).remoteStack, undefined);
});
