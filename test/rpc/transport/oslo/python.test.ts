/**
 * The wire of oslo.messaging with the real thing: a Python process that serves and calls.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { NoSuchMethod, RemoteError, RPCConnection, RPCService, UnsupportedVersion } from 'portico/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { osloUrl, PythonPeer, withoutPython } from './peer.js';

class NotFound extends Error {
  static readonly remoteName = 'image_errors.NotFound';
  declare readonly id: string;
}

const skip = withoutPython;
let python: PythonPeer;
let rpc: RPCConnection;
const { log } = recordedLog();

before(async () => {
  if (skip) return;
  python = await PythonPeer.start();
  await python.serve('python');
  rpc = new RPCConnection({ transport: osloUrl, project: python.exchange, log });
});

after(async () => {
  if (skip) return;
  await rpc.close();
  await python.end();
});

test('Node calls Python: results, errors of it, methods and versions it has not', { skip }, async () => {
  const client = rpc.client({ topic: python.topic, timeout: 20, allowedErrors: [NotFound] });
  assert.equal(await client.call({}, 'who'), 'python');
  assert.equal(await client.prepare({ server: 'python', version: '1.2' }).call({}, 'who'), 'python');
  assert.equal(await client.prepare({ namespace: 'other', version: '2.0' }).call({}, 'who'), 'other');
  assert.equal(await client.call({}, 'nothing'), null);
  const error = await client.call({}, 'missing', { id: 'a' }).catch((each: unknown) => each);
  assert.ok(error instanceof NotFound);
  assert.deepEqual([error.message, error.id], ['there is no image a', 'a']);
  await assert.rejects(client.call({}, 'undeclared'), (each: RemoteError) => {
    assert.ok(each instanceof RemoteError);
    assert.deepEqual([each.type, each.message], ['image_errors.Undeclared', 'oh']);
    assert.match((each as unknown as { remoteStack: string }).remoteStack, /Traceback.*peer\.py/s);
    return true;
  });
  await assert.rejects(client.call({}, 'busy'), { type: 'image_errors.Busy', message: 'later' });
  await assert.rejects(client.call({}, 'builtin'), { type: 'builtins.ValueError' });
  await assert.rejects(client.call({}, 'missing', { name: 'a' }), { type: 'builtins.TypeError' });
  await assert.rejects(client.call({}, 'nope'), NoSuchMethod);
  await assert.rejects(client.prepare({ version: '1.3' }).call({}, 'who'), UnsupportedVersion);
});

class Images {
  readonly target = { version: '1.2' };
  who(): string {
    return 'node';
  }
  nothing(): void {}
  missing(_context: unknown, { id }: { id: string }): never {
    throw Object.assign(new NotFound(`there is no image ${id}`), { kwargs: { id } });
  }
  fails(): never {
    throw new Error('oh');
  }
}

test('Python calls Node: results, errors of it, methods and versions it has not', { skip }, async () => {
  const topic = `${python.topic}-node`;
  const service = RPCService.create({
    binary: 'node-images',
    topic,
    host: 'node',
    registration: null,
    manager: new Images(),
    transport: osloUrl,
    project: python.exchange,
    log,
  });
  await service.start();
  try {
    assert.equal(await python.call('who', {}, { topic }), 'node');
    assert.equal(await python.call('who', {}, { topic, server: 'node', version: '1.2' }), 'node');
    assert.equal(await python.call('nothing', {}, { topic }), null);
    await assert.rejects(python.call('missing', { id: 'a' }, { topic }), ({ error }: { error: object }) => {
      const { type, bases, kwargs } = error as { type: string; bases: string[]; kwargs: object };
      assert.deepEqual([type, bases.includes('NotFound'), kwargs], ['NotFound_Remote', true, { id: 'a' }]);
      return true;
    });
    await assert.rejects(python.call('fails', {}, { topic }), ({ error }: { error: object }) => {
      const { type, exc_type, value } = error as Record<string, string>;
      assert.deepEqual([type, exc_type, value], ['RemoteError', 'Error', 'oh']);
      return true;
    });
    await assert.rejects(python.call('nope', {}, { topic }), ({ error }: { error: { exc_type: string } }) => {
      return error.exc_type === 'NoSuchMethod';
    });
    await assert.rejects(
      python.call('who', {}, { topic, version: '1.3' }),
      ({ error }: { error: { exc_type: string } }) => {
        return error.exc_type === 'UnsupportedVersion';
      },
    );
  } finally {
    await service.stop();
    await python.end([topic]);
  }
});
