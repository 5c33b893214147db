import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RequestContext } from 'portico/app';
import { rpc } from 'portico/rpc';
import { networkOf, withNetwork } from '../services.js';

class Taken extends Error {}

const key = { type: 'string', writeOnly: true };

class Images {
  @rpc({
    args: {
      definitions: { key },
      properties: {
        id: { type: 'string', maxLength: 8 },
        password: { type: 'string' },
        owner: { properties: { pin: key, name: { type: 'string' } } },
        door: { $ref: '#/definitions/key' },
        keys: { type: 'array', items: key },
        either: { anyOf: [{ type: 'integer' }, key] },
        source: { type: 'string' },
        bytes: {},
        more: {},
      },
    },
    expected: [Taken],
  })
  resize(_context: unknown, { id }: { id: string }): string {
    if (id === 'taken') throw new Taken('the name is taken');
    if (id === 'failing') throw new Error('the disk is full');
    return id;
  }
  note(_context: unknown, _args: object): void {}
}

interface CallLine {
  readonly level: string;
  readonly msg: string;
  readonly args?: string;
  readonly message?: string;
  readonly request_id?: string;
  readonly service?: string;
  readonly elapsedMs?: number;
}

/** Calls a method of a service with this log level, and returns the lines of that level and above. */
async function atLevel(
  level: 'debug' | 'trace',
  calls: readonly object[],
  method = 'resize',
): Promise<readonly CallLine[]> {
  let lines: readonly CallLine[] = [];
  await withNetwork(async ({ serve, client, log }) => {
    log.log.level = level;
    await serve(new Images());
    const context = new RequestContext({ requestId: 'req-1' });
    for (const args of calls)
      await client()
        .call(context, method, args)
        .catch(() => undefined);
    lines = log.lines;
  });
  return lines;
}

const CALLS = ['a', 'taken', 'failing', 'unmistakable'].map((id) => ({ id, source: 'argument-value' }));

test('RP-94 no line has anything of arguments, whatever comes of a call', async () => {
  const lines = await atLevel('debug', [...CALLS, { id: 7, argument_name: 'argument-value' }]);
  const texts = lines.map((line) => JSON.stringify(line));
  const telling = texts.filter((text) => /argument-value|argument_name|unmistakable/.test(text));
  assert.deepEqual(telling, []);
  // Each call has its line.
  const told = lines.filter(({ request_id: id }) => id === 'req-1').map(({ level, msg }) => `${level} ${msg}`);
  const refused = 'debug resize: its arguments do not match its schema';
  assert.deepEqual(told, [
    'debug Images.resize: done',
    'debug Images.resize: the name is taken',
    'error Images.resize failed',
    refused,
    refused,
  ]);
});

test('RP-94 a call is logged with its method, service, message and request ids and the time that it took', async () => {
  const [line] = (await atLevel('debug', [{ id: 'a' }])).filter(({ msg }) => msg === 'Images.resize: done');
  const { message, request_id: requestId, service, elapsedMs } = line!;
  assert.match(message!, /^[0-9a-f]{32}$/);
  assert.deepEqual([requestId, service, typeof elapsedMs], ['req-1', 'portico-images', 'number']);
});

const argumentsAtTrace = async (args: object, method = 'resize'): Promise<string> => {
  const lines = await atLevel('trace', [args], method);
  return lines.find(({ msg }) => msg === `Images.${method}: called`)!.args!;
};

test('RP-94 at trace a call has its arguments, but for what its schema or a name says is secret', async () => {
  const shown = await argumentsAtTrace({
    id: 'a',
    password: 'seen',
    owner: { pin: 'seen', name: 'me' },
    door: 'seen',
    keys: ['seen', 'seen'],
    either: 'seen',
    source: 'amqp://me:seen@host/',
    more: [{ apiKey: 'seen', at: new Date(0), pin: 'seen' }, { token: 'seen' }, ['b'], null, 7],
  });
  assert.deepEqual(JSON.parse(shown), {
    id: 'a',
    password: '****',
    owner: { pin: '****', name: 'me' },
    door: '****',
    keys: '****',
    either: '****',
    source: 'amqp://me:****@host/',
    more: [{ apiKey: '****', at: '1970-01-01T00:00:00.000Z', pin: '****' }, { token: '****' }, ['b'], null, 7],
  });
  assert.equal(await argumentsAtTrace({ token: 'seen', any: 1 }, 'note'), '{"token":"****","any":1}');
});

test('RP-94 a schema that is secret as a whole shows nothing, and one that refers to itself ends', async (t) => {
  class Safes {
    @rpc({ args: { writeOnly: true, properties: { a: {} } } })
    open(): void {}
    @rpc({
      args: {
        definitions: { tree: { properties: { leaf: key, down: { $ref: '#/definitions/tree' } } } },
        properties: { tree: { $ref: '#/definitions/tree' } },
      },
    })
    walk(): void {}
  }
  const { serve, client, log } = networkOf(t);
  log.log.level = 'trace';
  await serve(new Safes());
  await client().call({}, 'open', { a: 1 });
  await client().call({}, 'walk', { tree: { down: { leaf: 'seen', down: {} } } });
  const shown = (log.lines as readonly CallLine[]).flatMap(({ args }) => args ?? []);
  assert.deepEqual(shown, ['"****"', '{"tree":{"down":{"leaf":"****","down":{}}}}']);
});

test('RP-94 long arguments are cut', async () => {
  const shown = await argumentsAtTrace({ any: 'x'.repeat(1_000_000) }, 'note');
  assert.ok(shown.length <= 2001, `${shown.length} characters`);
  assert.match(shown, /^\{"any":"x{1900,}…$/);
});

test('RP-94 the level of a running service decides', async (t) => {
  const { serve, client, log } = networkOf(t);
  await serve(new Images());
  const told = (): number => (log.lines as readonly CallLine[]).filter(({ args }) => args !== undefined).length;
  await client().call({}, 'note', { a: 1 });
  assert.equal(told(), 0);
  log.log.level = 'trace';
  await client().call({}, 'note', { a: 1 });
  assert.equal(told(), 1);
});
