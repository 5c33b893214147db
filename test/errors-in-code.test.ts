/** Tests the errors for wrong code, which name it and the intended code. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WSGIService } from 'portico';
import { Config, defineOptions, integer, list, PorticoError, string } from 'portico/config';
import { ProcessLauncher, ServiceLauncher } from 'portico/launch';
import { action, Router } from 'portico/routing';
import { printDiagnostic } from '#internal/config';
import { RouteTableError } from '#internal/routing';

const anything = (value: unknown): never => value as never;

const rows: Readonly<Record<string, [make: () => unknown, code: string, message: string, hint: string]>> = {
  'a launcher without a configuration that is one': [
    () => new ProcessLauncher({ config: anything(5) }),
    'PORTICO_LAUNCHER_OPTION',
    'config of a launcher is the number 5, not a Config',
    'Write config: await Config.load().',
  ],
  'the other launcher likewise, with no logger': [
    () => new ServiceLauncher({ log: anything('x') }),
    'PORTICO_LAUNCHER_OPTION',
    'log of a launcher is the text "x", not a Logger',
    'Write log: createLogger(), log: pino(), or omit it.',
  ],
  'a service without a name': [
    () => new (WSGIService as unknown as new () => unknown)(),
    'PORTICO_API_ARGUMENT',
    'the name of an API is a text, not undefined',
    "Write new WSGIService('compute', config), with config = await Config.load().",
  ],
  'a service without a configuration': [
    () => new WSGIService('compute', anything({ port: 1 })),
    'PORTICO_API_ARGUMENT',
    'the configuration of the API "compute" is a Config, not an object',
    "Write new WSGIService('compute', config), with config = await Config.load().",
  ],
  'an option that is no declaration': [
    () => defineOptions({ a: anything(5) }),
    'PORTICO_OPTION_DECLARATION',
    'option a is the number 5, not the declaration of an option',
    "Call the function of a type: integer({ default: 5, help: '…' }).",
  ],
  'a declaration with names its type does not know': [
    () => defineOptions({ a: integer(anything({ defualt: 5, mni: 1, help: 'x' })) }),
    'PORTICO_OPTION_DECLARATION',
    'option a (integer) has no options "defualt", "mni"',
    'Did you mean "default" for "defualt", "min" for "mni"?',
  ],
  'a copy of such a declaration': [
    () => defineOptions({ a: { ...string(anything({ help: 'x', defualt: 'y' })) } }),
    'PORTICO_OPTION_DECLARATION',
    'option a (string) has no option "defualt"',
    'Did you mean "default"?',
  ],
  'the items of a list': [
    () => defineOptions({ a: list({ item: string(anything({ maxLenght: 5 })), help: 'x' }) }),
    'PORTICO_OPTION_DECLARATION',
    'what option a consists of (string) has no option "maxLenght"',
    'Did you mean "maxLength"?',
  ],
  'a router with options there are not': [
    () => new Router(anything({ faultStile: 'portico', strict_paths: true })),
    'PORTICO_ROUTER_OPTION',
    'a Router has no options "faultStile", "strict_paths"',
    'Did you mean "faultStyle" for "faultStile", "strictPaths" for "strict_paths"?',
  ],
  'an action with options there are not': [
    () =>
      action(
        anything({ version: ['2.1'] }),
        anything(() => undefined),
      ),
    'PORTICO_ACTION_OPTION',
    'an action has no option "version"',
    'Did you mean "versions"?',
  ],
  'an action without a handler': [
    () => action({ status: 202 }, anything(undefined)),
    'PORTICO_ACTION_OPTION',
    'the handler of an action must be a function, not undefined',
    'Write action({ status: 202 }, (request) => …).',
  ],
};

for (const [name, [make, code, message, hint]] of Object.entries(rows)) {
  test(`wrong code is reported with what was meant: ${name}`, () => {
    assert.throws(make, (error) => {
      assert.ok(error instanceof PorticoError, String(error));
      assert.deepEqual([error.code, error.message, error.hint], [code, message, hint]);
      return true;
    });
  });
}

test('each public constructor refuses an option that does not exist, with the nearest name', async () => {
  const { createLogger } = await import('portico');
  const { Loader } = await import('portico/loader');
  const { Server } = await import('portico/server');
  const { Service } = await import('portico/service');
  const { silentLogger } = await import('#internal/log');
  const { ManagerHooks, Drivers } = await import('#internal/service');
  const { PeriodicTasks, TaskGroup } = await import('portico/tasks');
  const { PeriodicRunner } = await import('#internal/tasks');
  const { MemoryStore, StoredRegistry } = await import('#internal/extras/registry');
  const { RPCConnection } = await import('portico/rpc');
  const { launch } = await import('portico/launch');
  const wrong = anything({ lgo: 1 });
  const made: Readonly<Record<string, () => unknown>> = {
    ServiceLauncher: () => new ServiceLauncher(wrong),
    ProcessLauncher: () => new ProcessLauncher(wrong),
    launch: () => launch(new Service(), wrong),
    Server: () =>
      new Server(
        'a',
        anything(() => undefined),
        wrong,
      ),
    WSGIService: () => new WSGIService('compute', new Config(), wrong),
    Loader: () => new Loader('none.ini', wrong),
    Service: () => new Service(wrong),
    TaskGroup: () => new TaskGroup(wrong),
    PeriodicTasks: () => new PeriodicTasks({}, wrong),
    ManagerHooks: () => new ManagerHooks(anything({ name: 'a', log: silentLogger(), lgo: 1 })),
    Drivers: () => new Drivers(wrong),
    StoredRegistry: () => new StoredRegistry(new MemoryStore(), wrong),
    RPCConnection: () => new RPCConnection(wrong),
  };
  for (const [name, make] of Object.entries(made)) {
    await assert.rejects(
      async () => make(),
      (error: PorticoError) => {
        assert.match(error.code, /^PORTICO_[A-Z_]+$/, name);
        assert.equal(error.hint, 'Did you mean "log"?', name);
        return true;
      },
    );
  }
  assert.throws(() => createLogger(anything({ levle: 'info' })), { hint: 'Did you mean "level"?' });
  assert.throws(() => new PeriodicRunner(new PeriodicTasks({}), anything({ fuzyDelay: 1 })), {
    hint: 'Did you mean "fuzzyDelay"?',
  });
  assert.throws(() => new ServiceLauncher(anything({ restartMethd: 'reload' })), {
    code: 'PORTICO_LAUNCHER_OPTION',
    message: 'a ServiceLauncher has no option "restartMethd"',
    hint: 'Did you mean "restartMethod"?',
  });
  assert.throws(() => new ServiceLauncher(anything({ settings: { gracefulShutdownTimeout: 2 } })), {
    code: 'PORTICO_LAUNCHER_OPTION',
    message: 'the object settings of a ServiceLauncher has no option "gracefulShutdownTimeout"',
    hint: 'Did you mean "gracefulShutdownTimeoutMs"?',
  });
});

test('errors for wrong code are of the kind that JavaScript has for them, with a code', async () => {
  const { Fault, fromConnect } = await import('portico/app');
  const { TaskGroup } = await import('portico/tasks');
  const { createLogger } = await import('portico');
  const wrong: readonly (readonly [make: () => unknown, kind: typeof TypeError | typeof RangeError, code: string])[] = [
    [() => new TaskGroup({ limit: 0 }), RangeError, 'PORTICO_INVALID_OPTION'],
    [() => new Fault(42), RangeError, 'PORTICO_FAULT_STATUS'],
    [() => integer({ default: anything('x'), help: 'x' }).default, TypeError, 'PORTICO_OPTION_DECLARATION'],
    [() => defineOptions({ Size: integer({ help: 'x' }) }), TypeError, 'PORTICO_OPTION_DECLARATION'],
    [() => fromConnect(anything(5)), TypeError, 'PORTICO_CONNECT_MIDDLEWARE'],
    [() => createLogger({ level: anything('loud') }), RangeError, 'PORTICO_LOG_LEVEL'],
  ];
  for (const [make, kind, code] of wrong) {
    assert.throws(make, (error: PorticoError) => {
      assert.ok(error instanceof kind, code);
      assert.equal(error.code, code);
      return true;
    });
  }
});

test('several declarations that are wrong are reported at once', () => {
  assert.throws(
    () =>
      defineOptions({ a: integer(anything({ mn: 1, help: 'x' })), b: string(anything({ regexp: /a/, help: 'y' })) }),
    /option a \(integer\) has no option "mn"[\s\S]*option b \(string\) has no option "regexp"/,
  );
});

test('conditions there are not are reported with the table, at the location of the route', async () => {
  const router = new Router();
  router.connect('/a', { handler: () => null, conditions: anything({ methods: ['GET'], sub_domain: true }) });
  router.connect('/b', { handler: () => null, conditions: anything({ host: 'a' }) });
  await assert.rejects(router.build(), (error) => {
    assert.ok(error instanceof RouteTableError);
    assert.equal(error.diagnostics.length, 2);
    assert.match(
      printDiagnostic(error.diagnostics[0]!),
      /errors-in-code\.test\.[jt]s:\d+:\d+: error: the route "\/a": conditions has no options "methods", "sub_domain"\n {2}Did you mean "method" for "methods", "subDomain" for "sub_domain"\?$/,
    );
    assert.match(printDiagnostic(error.diagnostics[1]!), /"host"\n {2}Options: method, subDomain, function\.$/);
    return true;
  });
});

test('what is declared right is as it was', () => {
  const options = defineOptions({
    a: integer({ default: 5, min: 1, help: 'x' }),
    b: list({ item: string(), help: 'y' }),
  });
  assert.equal(new Config().group('g', options).a, 5);
});
