import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RPCService, rpc } from 'portico/rpc';
import { BadArguments } from '#internal/extras/rpc';
import { silentLogger } from '#internal/log';
import { ArgumentChecks } from '../../../dist/extras/rpc/server/arguments.js';
import { networkOf } from '../services.js';

const properties = {
  id: { type: 'string', maxLength: 8 },
  to: { type: 'integer', minimum: 1 },
  admin_password: { type: 'string' },
  at: {},
  door: { writeOnly: true, properties: { code: { type: 'integer' } } },
};

/** Records the arguments of its calls. */
class Images {
  readonly called: unknown[] = [];
  @rpc({ args: { properties, required: ['id'] } })
  resize(_context: unknown, args: object): number {
    return this.called.push(args);
  }
  @rpc({ args: { properties, additionalProperties: true } })
  note(_context: unknown, args: object): number {
    return this.called.push(args);
  }
}

const REFUSED: readonly (readonly [args: object, message: string])[] = [
  [{ to: 3 }, 'Images.resize: id: it is required'],
  [{ id: 'a', too: 3 }, 'Images.resize has no argument "too". Did you mean "to"?'],
  [{ id: 'a', width: 3 }, 'Images.resize has no argument "width". There are: id, to, admin_password, at, door.'],
  [{ id: 'a', to: 0 }, 'Images.resize: to: must be >= 1, not 0'],
  [{ id: 'a', to: '3' }, 'Images.resize: to: must be integer, not "3"'],
  [{ id: 'a', door: { code: 'seen' } }, 'Images.resize: door.code: must be integer'],
  [{ id: 'a', admin_password: 7 }, 'Images.resize: admin_password: must be string'],
];

test('RP-12 RP-29 RP-54 arguments that a schema refuses are the error of the caller, which names the argument', async (t) => {
  const { serve, client, log } = networkOf(t);

  const images = new Images();
  const service = await serve(images);
  const api = service.api<{ resize(context: object, args: object): number }>();
  for (const [args, message] of REFUSED) {
    const refused = { code: 'PORTICO_RPC_BAD_ARGUMENTS', message };
    await assert.rejects(client().call({}, 'resize', args), { ...refused, remote: true });
    await assert.rejects(client().call({}, 'resize', args), BadArguments);
    await assert.rejects(api.resize({}, args), refused);
  }
  assert.deepEqual(images.called, []);
  const args = { id: 'a', to: 3, at: new Date(0) };
  assert.equal(await client().call({}, 'resize', args), 1);
  assert.equal(await api.resize({}, args), 2);
  assert.equal(await client().call({}, 'note', { any: 1 }), 3);
  assert.deepEqual(images.called, [args, args, { any: 1 }]);
  const problems = log.lines.filter(({ level }) => level === 'error' || level === 'warn');
  assert.deepEqual(problems, []);
});

test('AT-15 RP-29 an argument nested too deeply for a recursive schema is the error of the caller', () => {
  const check = new ArgumentChecks().check('Images.sort', {
    properties: { tree: { $ref: '#/definitions/tree' } },
    definitions: { tree: { type: 'array', items: { $ref: '#/definitions/tree' } } },
  });
  const tree: unknown = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
  check({ tree: [[], [[]]] });
  assert.throws(() => check({ tree }), {
    code: 'PORTICO_RPC_BAD_ARGUMENTS',
    message: 'Images.sort: the arguments: must not be nested so deeply',
  });
});

test('RP-29 a schema of arguments that is none refuses the start, with the location in it and the nearest name', async () => {
  class Wrong {
    @rpc({ args: { properties: { id: { type: 'string', maxLenght: 8 } } } })
    find(): void {}
  }
  const log = silentLogger();
  const service = RPCService.create({ binary: 'images', host: 'north', registration: null, manager: Wrong, log });
  await assert.rejects(service.start(), {
    code: 'PORTICO_RPC_METHOD',
    message: 'the schema of Wrong.find: properties.id: there is no keyword "maxLenght"',
    hint: 'Did you mean "maxLength"?',
  });
});
