/** The wire format of oslo.messaging against a real Python process that serves and calls. */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RequestContext } from 'portico/app';
import { Config } from 'portico/config';
import {
  type ClientOptions,
  NotificationService,
  type RPCClient,
  RPCConnection,
  type RPCConnectionOptions,
  RPCService,
  type Serializer,
} from 'portico/rpc';
import { NoServers, NoSuchMethod, RemoteError, RpcTimeout, UnsupportedVersion } from '#internal/extras/rpc';
import { recordedLog } from '../../../tasks/recorded-log.js';
import { inbox } from '../../notifications/inbox.js';
import { osloUrl, type PythonError, PythonFailure, PythonPeer, withoutPython } from './peer.js';

/** The name of the class for callers in Python. */
class NotFound extends Error {
  static readonly remoteName = 'image_errors.NotFound';
  declare readonly id: string;
}

const skip = withoutPython;
const { log } = recordedLog();
const ends: (() => Promise<unknown>)[] = [];
const topics: string[] = [];
let python: PythonPeer;
let nodeTopic: string;

before(async () => {
  if (skip) return;
  python = await PythonPeer.start();
  await python.serve('python');
  nodeTopic = `${python.topic}.node`;
  await serve(nodeTopic, new Images());
});

after(async () => {
  if (skip) return;
  for (const end of ends.reverse()) await end();
  // The Python services would declare the queues again if they were deleted earlier.
  await python.end([nodeTopic, ...topics]);
});

function client(options: Partial<ClientOptions> = {}, connection: Partial<RPCConnectionOptions> = {}): RPCClient {
  const rpc = new RPCConnection({ transport: osloUrl, project: python.exchange, log, ...connection });
  ends.push(() => rpc.close());
  return rpc.client({ topic: python.topic, timeout: 20, ...options });
}

async function serve(topic: string, manager: object, { host = 'node', serializer }: Serving = {}): Promise<void> {
  const service = RPCService.create({
    binary: 'node-images',
    topic,
    host,
    registration: null,
    manager,
    transport: osloUrl,
    project: python.exchange,
    log,
    ...(serializer && { serializer }),
  });
  await service.start();
  ends.push(() => service.stop());
}

interface Serving {
  readonly host?: string;
  readonly serializer?: Serializer;
}

/** Returns the exception of a failed call from Python. */
async function failureOf(call: Promise<unknown>): Promise<PythonError> {
  const failure = await call.then(
    () => assert.fail('it did not fail'),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof PythonFailure, String(failure));
  return failure.error;
}

class Images {
  readonly target = { version: '1.2' };
  readonly notes: unknown[] = [];
  who(): string {
    return 'node';
  }
  echo(_context: unknown, args: object): object {
    return args;
  }
  context(context: RequestContext): object {
    const { userId, projectId, roles, requestId, globalRequestId, isAdmin } = context;
    return { userId, projectId, roles, requestId, globalRequestId, isAdmin, dict: context.toDict() };
  }
  nothing(): void {}
  types(_context: unknown, args: Readonly<Record<string, unknown>>): object {
    return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, `${typeof value} ${String(value)}`]));
  }
  values(): object {
    return { when: new Date('2026-01-02T03:04:05.678Z'), large: 2n ** 60n, absent: undefined };
  }
  inexact(): number {
    return 2 ** 60;
  }
  ratio(): number {
    return 0 / 0;
  }
  missing(_context: unknown, { id }: { id: string }): never {
    throw Object.assign(new NotFound(`there is no image ${id}`), { kwargs: { id } });
  }
  fails(): never {
    throw new TypeError('oh');
  }
  async relay(context: unknown, { what }: { what: string }): Promise<unknown> {
    return client({ allowedErrors: [NotFound] }).call(context, what, { id: 'b' });
  }
  async sleep({ signal }: RequestContext, { seconds }: { seconds: number }): Promise<string> {
    const woken = await new Promise<boolean>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000, false);
      signal!.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    this.notes.push(woken ? 'woken' : 'slept');
    // Both sides count the same timeout: a result now could still arrive before the caller gives up.
    if (woken) await new Promise((resolve) => setTimeout(resolve, 2000));
    return 'slept';
  }
}

test('Node calls Python: by topic, host, namespace and version; results, and errors with class, arguments and traceback', {
  skip,
}, async () => {
  const calls = client({ allowedErrors: [NotFound] });
  assert.equal(await calls.call({}, 'who'), 'python');
  assert.equal(await calls.prepare({ server: 'python', version: '1.2' }).call({}, 'who'), 'python');
  assert.equal(await calls.prepare({ namespace: 'other', version: '2.0' }).call({}, 'who'), 'other');
  assert.equal(await calls.call({}, 'nothing'), null);
  const error = await calls.call({}, 'missing', { id: 'a' }).catch((each: unknown) => each);
  assert.ok(error instanceof NotFound);
  assert.deepEqual([error.message, error.id], ['there is no image a', 'a']);
  await assert.rejects(calls.call({}, 'undeclared'), (each: RemoteError & { remoteStack?: string }) => {
    assert.ok(each instanceof RemoteError);
    assert.deepEqual([each.type, each.message], ['image_errors.Undeclared', 'oh']);
    assert.match(each.remoteStack!, /Traceback.*peer\.py/s);
    return true;
  });
  await assert.rejects(calls.call({}, 'busy'), { type: 'image_errors.Busy', message: 'later' });
  await assert.rejects(calls.call({}, 'builtin'), { type: 'builtins.ValueError' });
  await assert.rejects(calls.call({}, 'missing', { name: 'a' }), { type: 'builtins.TypeError' });
  await assert.rejects(calls.call({}, 'nope'), NoSuchMethod);
  await assert.rejects(calls.prepare({ version: '1.3' }).call({}, 'who'), UnsupportedVersion);
  await assert.rejects(calls.prepare({ server: 'nowhere' }).call({}, 'who'), NoServers);
  await assert.rejects(calls.prepare({ timeout: 0.2 }).call({}, 'sleep', { seconds: 0.5 }), RpcTimeout);
});

test('Node casts to Python, to one host and to all; a monitored call lives by the signs of life of its server', {
  skip,
}, async () => {
  const calls = client();
  const monitored = calls.prepare({ callMonitorTimeout: 2 }).call({}, 'sleep', { seconds: 2.6 });
  await calls.cast({}, 'note', { to: 'any' });
  await calls.prepare({ server: 'python' }).cast({}, 'note', { to: 'python' });
  await calls.prepare({ fanout: true }).cast({}, 'note', { to: 'all' });
  for (const to of ['any', 'python', 'all']) {
    await python.event('note', ({ args }) => (args as { to: string }).to === to);
  }
  assert.equal(await monitored, 'slept');
});

test('PY-7 values between Node and Python: exact, converted by a rule, or refused where they are sent', {
  skip,
}, async () => {
  const calls = client();
  const { text, ...got } = await calls.call<Record<string, unknown>>({}, 'values');
  assert.deepEqual(got, {
    when: '2026-01-02T03:04:05.000678',
    id: '6f9619ff-8b86-d011-b42d-00cf4fc964ff',
    set: [1],
    tuple: [1, 2],
    keys: { 7: 'seven' },
    nan: Number.NaN,
    infinite: [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
    large: 2n ** 60n,
  });
  assert.equal(text, 'NaN 12345678901234567890');
  assert.deepEqual(await calls.call({}, 'echo', { when: new Date(0), large: 2n ** 70n, nested: [{ one: 1n }] }), {
    when: '1970-01-01T00:00:00.000000',
    large: 2n ** 70n,
    nested: [{ one: 1 }],
  });
  const named = JSON.parse('{"constructor":1,"value":{"prototype":2,"__proto__":{"isAdmin":true}}}') as object;
  for (const echoed of [
    await calls.call<object>({}, 'echo', named),
    await python.call<object>('echo', named, { topic: nodeTopic }),
  ]) {
    assert.equal(JSON.stringify(echoed), JSON.stringify(named), 'PY-1 names that every object has');
  }
  for (const [value, why] of [
    [2 ** 60, /value: 1152921504606847000, a whole number beyond 2\^53/],
    [{ inner: new NotFound('x') }, /value.inner: an instance of NotFound/],
    [Number.NaN, /value: NaN, which Python would not read as it is/],
    [[new Map([['k', 1.5]])], /value.0: a Map, which/],
    [{ set: new Set() }, /value.set: a Set, which/],
    [Buffer.from('ä'), /value: a Buffer, which/],
  ] as const) {
    await assert.rejects(calls.call({}, 'echo', { value }), { code: 'PORTICO_NOT_PLAIN', message: why });
  }
  const types = await python.call('types', { large: 2 ** 53, ratio: 0.1, none: null }, { topic: nodeTopic });
  assert.deepEqual(types, { large: 'bigint 9007199254740992', ratio: 'number 0.1', none: 'object null' });
  assert.deepEqual(await python.call('values', {}, { topic: nodeTopic }), {
    when: '2026-01-02T03:04:05.678000',
    // `JSON.parse` in this test rounds the number.
    large: 2 ** 60,
  });
  const { exc_type, value } = await failureOf(python.call('inexact', {}, { topic: nodeTopic }));
  assert.deepEqual([exc_type, /beyond 2\^53/.test(value!)], ['SerializationError', true]);
  const ratio = await failureOf(python.call('ratio', {}, { topic: nodeTopic }));
  assert.deepEqual([ratio.exc_type, /result: NaN/.test(ratio.value!)], ['SerializationError', true]);
});

test('a context keeps its request, user, project and roles on its way through both worlds, and what it has beside them', {
  skip,
}, async () => {
  const context = new RequestContext({
    requestId: 'req-1',
    globalRequestId: 'req-0',
    userId: 'me',
    projectId: 'ours',
    roles: ['reader', 'member'],
    token: 'secret',
  });
  const there = await client().call<Record<string, unknown>>(context, 'context');
  const { request_id, global_request_id, user_id, project_id, roles, auth_token } = there;
  assert.deepEqual(
    [request_id, global_request_id, user_id, project_id, roles, auth_token],
    ['req-1', 'req-0', 'me', 'ours', ['reader', 'member'], undefined],
  );
  const dict = {
    request_id: 'req-2',
    global_request_id: 'req-0',
    user_id: 'you',
    project_id: 'theirs',
    roles: ['admin'],
  };
  const sent = { ...dict, is_admin: true, user_domain_id: 'default', tenant: { nested: [1] } };
  const here = await python.call<Record<string, unknown>>('context', {}, { topic: nodeTopic, context: sent });
  const { dict: back, ...read } = here;
  assert.deepEqual(read, {
    userId: 'you',
    projectId: 'theirs',
    roles: ['admin'],
    requestId: 'req-2',
    globalRequestId: 'req-0',
    isAdmin: true,
  });
  const { user_domain_id, tenant, request_id: id } = back as Record<string, unknown>;
  assert.deepEqual([user_domain_id, tenant, id], ['default', { nested: [1] }, 'req-2']);
});

test('Python calls Node: by topic, host and version; results, and errors as classes that it allows, else as RemoteError', {
  skip,
}, async () => {
  const topic = nodeTopic;
  assert.equal(await python.call('who', {}, { topic }), 'node');
  assert.equal(await python.call('who', {}, { topic, server: 'node', version: '1.2' }), 'node');
  assert.equal(await python.call('nothing', {}, { topic }), null);
  assert.equal(await python.call('oslo_rpc_server_ping', {}, { topic }), 'pong');
  const missing = await failureOf(python.call('missing', { id: 'a' }, { topic }));
  assert.deepEqual(
    [missing.type, missing.bases.includes('NotFound'), missing.kwargs],
    ['NotFound_Remote', true, { id: 'a' }],
  );
  const { type, exc_type, value } = await failureOf(python.call('fails', {}, { topic }));
  assert.deepEqual([type, exc_type, value], ['RemoteError', 'TypeError', 'oh']);
  assert.equal((await failureOf(python.call('nope', {}, { topic }))).exc_type, 'NoSuchMethod');
  assert.equal((await failureOf(python.call('who', {}, { topic, version: '1.3' }))).exc_type, 'UnsupportedVersion');
});

test('an error that is passed on keeps its class and arguments: Python to Node to Python, Node to Python to Node', {
  skip,
}, async () => {
  const passed = await failureOf(python.call('relay', { what: 'missing' }, { topic: nodeTopic }));
  assert.deepEqual([passed.type, passed.kwargs], ['NotFound_Remote', { id: 'b' }]);
  const through = client({ namespace: 'passed', allowedErrors: [NotFound] });
  const error = await through
    .call({}, 'on', { topic: nodeTopic, method: 'missing', args: { id: 'c' } })
    .catch((each: unknown) => each);
  assert.ok(error instanceof NotFound, String(error));
  assert.equal(error.id, 'c');
});

test('a call of Python is monitored by Node, and one that is not waited for any more is aborted by its signal', {
  skip,
}, async () => {
  const manager = new Images();
  const topic = `${nodeTopic}.slow`;
  topics.push(topic);
  await serve(topic, manager);
  const slow = python.call('sleep', { seconds: 2.6 }, { topic, monitor: 2 });
  const late = await failureOf(python.call('sleep', { seconds: 30 }, { topic, timeout: 0.5 }));
  assert.equal(late.type, 'MessagingTimeout');
  while (!manager.notes.includes('woken')) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await slow, 'slept');
});

test('one topic is served by Python and by Node: calls go to both in turn, a fanout to all, a message for a host to it', {
  skip,
}, async () => {
  const topic = `${python.topic}-mixed`;
  topics.push(topic);
  await python.serve('south', topic);
  const notes: unknown[] = [];
  let arrived = (): void => {};
  const both = new Promise<void>((resolve) => {
    arrived = () => notes.length === 2 && resolve();
  });
  class Mixed {
    who(): string {
      return 'north';
    }
    note(_context: unknown, args: object): void {
      notes.push(args);
      arrived();
    }
  }
  await serve(topic, new Mixed(), { host: 'north' });
  const calls = client({ topic });
  const answers: unknown[] = [];
  for (let call = 0; call < 6; call++)
    answers.push(await calls.call({}, 'who'), await python.call('who', {}, { topic }));
  assert.deepEqual(
    ['north', 'south'].map((host) => answers.filter((each) => each === host).length),
    [6, 6],
  );
  assert.equal(await python.call('who', {}, { topic, server: 'north' }), 'north');
  assert.equal(await calls.prepare({ server: 'south' }).call({}, 'who'), 'south');
  await calls.prepare({ fanout: true }).cast({}, 'note', { from: 'node' });
  await python.call('note', { from: 'python' }, { topic, fanout: true, cast: true });
  for (const from of ['node', 'python']) {
    await python.event('note', ({ server, args }) => server === 'south' && (args as { from: string }).from === from);
  }
  await both;
  assert.deepEqual(notes.length, 2);
});

test('PY-7 on a topic shared with Python dates, large numbers, the time and errors travel between two processes of Portico; only they hear of an abort', {
  skip,
}, async (t) => {
  class Taken extends Error {
    declare readonly since: Date;
  }
  const topic = `${python.topic}-extras`;
  const logged = python.log;
  topics.push(topic);
  await python.serve('east', topic);
  const program = fileURLToPath(new URL('serves-extras.js', import.meta.url));
  const child = fork(program, [osloUrl, python.exchange, topic]);
  const ended = once(child, 'exit');
  t.after(async () => {
    child.disconnect();
    await ended;
  });
  const told = (word: string): Promise<void> =>
    new Promise((resolve) => child.on('message', (message) => message === word && resolve()));
  const [waits, cancelled] = [told('waits'), told('cancelled')];
  await told('serves');
  const calls = client({ topic, allowedErrors: [Taken] }, {});
  const west = calls.prepare({ server: 'west' });
  const value = { at: new Date(1), big: 7n, list: [new Date(2)] };
  const { left, ...echoed } = await west.call<{ left: number }>({}, 'echo', { value });
  assert.deepEqual(echoed, { value });
  assert.ok(left > 0 && left <= 20_000, `${left}`);
  const error = await west.call({}, 'fails').catch((each: unknown) => each);
  assert.ok(error instanceof Taken);
  assert.deepEqual([error.since, (error as { remoteHost?: string }).remoteHost], [new Date(7), 'west']);
  const abort = new AbortController();
  const waiting = west.prepare({ signal: abort.signal }).call({}, 'wait');
  await waits;
  abort.abort(new Error('enough'));
  await assert.rejects(waiting, /enough/);
  await cancelled;
  const text = 'ä"'.repeat(5000);
  assert.deepEqual(await calls.prepare({ server: 'east' }).call({}, 'echo', { text }), { text });
  assert.equal(python.log.slice(logged.length), '', 'Python has met nothing that it does not know');
});

test('objects of an application travel by its serializer, as oslo.versionedobjects have them', { skip }, async () => {
  class Instance {
    readonly uuid: string;
    constructor(uuid: string) {
      this.uuid = uuid;
    }
  }
  const serializer: Serializer = {
    serializeEntity: (_context, value) =>
      value instanceof Instance
        ? { 'nova_object.name': 'Instance', 'nova_object.version': '2.8', 'nova_object.data': { uuid: value.uuid } }
        : value,
    deserializeEntity: (_context, value) => {
      const { 'nova_object.name': name, 'nova_object.data': data } = (value ?? {}) as Record<string, unknown>;
      return name === 'Instance' ? new Instance((data as { uuid: string }).uuid) : value;
    },
    serializeContext: () => ({ request_id: 'req-own' }),
  };
  const calls = client({}, { serializer });
  const echoed = await calls.call<{ instance: unknown }>({}, 'echo', { instance: new Instance('u1') });
  assert.deepEqual(echoed.instance, {
    'nova_object.name': 'Instance',
    'nova_object.version': '2.8',
    'nova_object.data': { uuid: 'u1' },
  });
  assert.equal((await calls.call<{ request_id: string }>({}, 'context')).request_id, 'req-own');
  const topic = `${python.topic}-objects`;
  topics.push(topic);
  await serve(
    topic,
    {
      same: (_context: unknown, { instance }: { instance: unknown }) => {
        assert.ok(instance instanceof Instance);
        return instance;
      },
    },
    { serializer },
  );
  assert.deepEqual(await python.call('same', echoed, { topic }), echoed.instance);
});

test('queues are declared as [oslo_messaging_rabbit] says; where the two sides differ, the error names the section', {
  skip,
}, async () => {
  const other = await PythonPeer.start({ options: { rabbit_quorum_queue: true, rabbit_quorum_delivery_limit: 3 } });
  try {
    await other.serve('python');
    // A process shares one connection for each URL, so this one differs.
    const transport = `${osloUrl}?rabbit_quorum_queue=true`;
    const config = Config.fromText('[oslo_messaging_rabbit]\nrabbit_quorum_delivery_limit = 3\n');
    const manager = { who: () => 'node' };
    const service = (options: object): RPCService =>
      RPCService.create({
        binary: 'node-images',
        topic: other.topic,
        host: 'node',
        registration: null,
        manager,
        transport: osloUrl,
        project: other.exchange,
        log,
        ...options,
      });
    const quorum = service({ config, transport });
    await quorum.start();
    const answers = [await other.call('who'), await other.call('who')];
    assert.deepEqual(answers.toSorted(), ['node', 'python']);
    await quorum.stop();
    await assert.rejects(service({}).start(), {
      code: 'PORTICO_RPC_TOPOLOGY',
      hint: /\[oslo_messaging_rabbit\]/,
    });
  } finally {
    await other.end();
  }
});

test('notifications between Node and Python, in both formats', { skip }, async () => {
  const topic = `n${randomUUID().slice(0, 8)}`;
  const other = `${topic}-node`;
  topics.push(topic, other);
  const context = new RequestContext({ requestId: 'req-1', userId: 'me', token: 't', carryToken: true });
  const config = Config.fromText(`[oslo_messaging_notifications]\ntopics = ${topic}\n`);
  const rpc = new RPCConnection({ transport: osloUrl, project: python.exchange, config, log });
  const { take, next } = inbox();
  const service = NotificationService.create({
    handlers: { info: take, error: take },
    topics: [other],
    exchanges: [python.exchange],
    transport: osloUrl,
    log,
  });
  try {
    // Sent before the listener starts: the queue keeps it.
    await rpc.notifier({ publisherId: 'images.north' }).info(context, 'images.resize.end', { id: 'a' });
    await python.do('listen', { name: 'listener', topic });
    const { payload, event_type, publisher_id, context: who, metadata } = await python.event('notification');
    assert.deepEqual([payload, event_type, publisher_id], [{ id: 'a' }, 'images.resize.end', 'images.north']);
    const { request_id, auth_token } = who as Record<string, unknown>;
    assert.deepEqual([request_id, auth_token], ['req-1', undefined]);
    assert.match((metadata as { message_id: string }).message_id, /^[\da-f-]{36}$/);
    const told = { topic: other, event_type: 'server.end', context: { request_id: 'req-2', auth_token: 'secret' } };
    await python.do('notify', { ...told, priority: 'info', payload: { id: 'v2' } });
    await service.start();
    await python.do('notify', { ...told, priority: 'error', payload: { id: 'v1' }, driver: 'messaging' });
    const [first, second] = [await next(), await next()];
    assert.deepEqual(
      [first, second].map(({ priority, payload: what, eventType }) => [priority, what, eventType]),
      [
        ['info', { id: 'v2' }, 'server.end'],
        ['error', { id: 'v1' }, 'server.end'],
      ],
    );
    assert.equal((first.context as RequestContext).requestId, 'req-2');
  } finally {
    await service.stop();
    await rpc.close();
    await python.do('stop', { server: 'listener' });
  }
});
