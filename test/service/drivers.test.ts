import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { Config, ConfigError, defineOptions, integer, string } from 'portico/config';
import { type DriverKind, Drivers, loadDriver } from 'portico/service';
import { recordedLog } from '../tasks/recorded-log.js';

const outer = mkdtempSync(join(tmpdir(), 'drivers-'));
after(() => rmSync(outer, { recursive: true, force: true }));
const folder = join(outer, 'application');

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true });
  writeFileSync(join(folder, name), text);
}

write('package.json', '{ "name": "application", "type": "module" }');
write(
  'drivers.js',
  `export class Local { constructor(...args) { this.args = args; } spawn() { return 'local'; } kill() {} }
   export function make(...args) { return { args, spawn: () => 'made', kill() {} }; }
   export const ready = { spawn: () => 'ready', kill() {} };
   export class Half { spawn() {} }
   export default class { spawn() { return 'default'; } kill() {} }
   export const all = { nested: class { spawn() { return 'nested'; } kill() {} } };`,
);
write(
  'old.cjs',
  `class Old { spawn() { return 'commonjs'; } kill() {} }\nmodule.exports = Old; module.exports.Old = Old;`,
);
write(
  'compiled.cjs',
  `Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = class { spawn() { return 'compiled'; } kill() {} };`,
);
write('broken.js', `throw new Error('at import');`);
write('../outside-drivers.js', `export const outside = {};`);
write(
  'node_modules/virt/package.json',
  '{ "name": "virt", "type": "module", "exports": { "./kvm": { "import": "./kvm.js" } }, "portico": { "drivers": { "compute": { "kvm": "./kvm.js:Kvm" } } } }',
);
write('node_modules/virt/kvm.js', `export class Kvm { spawn() { return 'kvm'; } kill() {} }`);

interface Compute {
  args: unknown[];
  spawn(): string;
  kill(): void;
  migrate(): void;
}

const compute: DriverKind = {
  kind: 'compute',
  required: ['spawn', 'kill'],
  optional: ['migrate'],
  capabilities: { supportsMigration: false },
};

function drivers(kind: DriverKind = compute, options: object = {}): Drivers {
  const made = new Drivers({ folder, ...options });
  made.declare(kind);
  return made;
}

test('LC-1345 LC-1346 MG-2 a class is instantiated, a function called, an object used; default and nested exports', async () => {
  const cases: [string, string][] = [
    ['./drivers.js:Local', 'local'],
    ['./drivers.js#make', 'made'],
    ['./drivers.js:ready', 'ready'],
    ['./drivers.js', 'default'],
    ['./drivers.js:all.nested', 'nested'],
    ['virt/kvm:Kvm', 'kvm'],
  ];
  for (const [reference, answer] of cases) {
    const driver = await loadDriver<Compute>(reference, { folder }, 1, 'two');
    assert.equal(driver.spawn(), answer, reference);
    if (driver.args !== undefined) assert.deepEqual(driver.args, [1, 'two']);
  }
});

test('MG-54 CommonJS modules: what they assign to module.exports, by name, and compiled defaults', async () => {
  for (const [reference, answer] of [
    ['./old.cjs', 'commonjs'],
    ['./old.cjs:Old', 'commonjs'],
    ['./compiled.cjs', 'compiled'],
  ]) {
    assert.equal((await loadDriver<Compute>(reference!, { folder })).spawn(), answer);
  }
});

test('MG-2 what cannot be found is named, with what there is', async () => {
  await assert.rejects(loadDriver('./drivers.js:Locl', { folder }), {
    code: 'PORTICO_EXPORT_NOT_FOUND',
    hint: /Did you mean "Local"\?.*It exports: .*make/,
  });
  await assert.rejects(loadDriver('./missing.js', { folder }), {
    code: 'PORTICO_MODULE_NOT_FOUND',
    message: /missing\.js/,
  });
  await assert.rejects(loadDriver('no-such-package:x', { folder }), { code: 'PORTICO_MODULE_NOT_FOUND' });
  await assert.rejects(loadDriver('./broken.js', { folder }), { code: 'PORTICO_MODULE_FAILED', message: /at import/ });
});

test('MG-2 a file outside the application is refused unless that is allowed', async () => {
  await assert.rejects(loadDriver('../outside-drivers.js:outside', { folder }), { code: 'PORTICO_MODULE_OUTSIDE' });
  assert.deepEqual(await loadDriver('../outside-drivers.js:outside', { folder, allowExternalModules: true }), {});
});

test('MG-40 names: the built-in table, then what packages announce, then modules', async () => {
  const kind: DriverKind = {
    ...compute,
    builtin: { fake: { spawn: () => 'fake', kill() {} }, own: './drivers.js:ready' },
  };
  const made = drivers(kind);
  for (const [name, answer] of [
    ['fake', 'fake'],
    ['own', 'ready'],
    ['kvm', 'kvm'],
    ['./drivers.js:Local', 'local'],
  ]) {
    assert.equal((await made.load<Compute>('compute', name!)).spawn(), answer);
  }
});

test('MG-40 an unknown name gives the known ones and the package that has it', async () => {
  const made = drivers({ ...compute, builtin: { fake: {} }, packages: { xen: '@virt/xen' } });
  await assert.rejects(made.load('compute', 'xen'), {
    code: 'PORTICO_UNKNOWN_DRIVER',
    message: 'there is no compute driver called "xen"',
    hint: /Install the package @virt\/xen.*Known: fake, kvm/,
  });
  await assert.rejects(made.load('compute', 'fkae'), { hint: /Did you mean "fake"\?/ });
  await assert.rejects(made.load('storage', 'x'), { code: 'PORTICO_UNKNOWN_DRIVER_KIND' });
});

test('MG-41 MG-59 a driver that lacks a method or has another version is refused when it is loaded', async () => {
  await assert.rejects(drivers().load('compute', './drivers.js:Half'), {
    code: 'PORTICO_BAD_DRIVER',
    message: '"./drivers.js:Half" is no compute driver: it has no kill',
  });
  const methods = { spawn() {}, kill() {} };
  const versioned = (apiVersion?: string): Drivers =>
    drivers({ ...compute, apiVersion: '1.9', builtin: { x: { ...methods, ...(apiVersion && { apiVersion }) } } });
  await versioned('1.9').load('compute', 'x');
  await versioned('1.10').load('compute', 'x');
  for (const version of ['1.8', '2.9', undefined]) {
    await assert.rejects(versioned(version).load('compute', 'x'), {
      code: 'PORTICO_BAD_DRIVER',
      message: /apiVersion/,
    });
  }
  class Base {}
  class Inherits extends Base {}
  await drivers({ ...compute, base: Base, builtin: { x: Inherits } }).load('compute', 'x');
});

test('MG-42 a driver is opened when it is loaded, and all are closed in reverse order, whatever fails', async () => {
  const calls: string[] = [];
  const driver = (name: string) => ({
    spawn() {},
    kill() {},
    open: async () => void calls.push(`open ${name}`),
    close: async () => {
      calls.push(`close ${name}`);
      if (name === 'b') throw new Error('no');
    },
  });
  const { log, messages } = recordedLog();
  const failing = { spawn() {}, kill() {}, open: () => Promise.reject(new Error('no route to host')) };
  const made = drivers({ ...compute, builtin: { a: driver('a'), b: driver('b'), c: driver('c'), failing } }, { log });
  for (const name of ['a', 'b', 'c']) await made.load('compute', name);
  await assert.rejects(made.load('compute', 'failing'), {
    code: 'PORTICO_DRIVER_OPEN',
    message: 'the compute driver "failing" cannot be opened: no route to host',
  });
  await made.close();
  await made.close();
  assert.deepEqual(calls, ['open a', 'open b', 'open c', 'close c', 'close b', 'close a']);
  assert.equal(messages().length, 1);
});

test('MG-43 MG-44 capabilities are data, and a method that is not offered says so', async () => {
  const able = { spawn() {}, kill() {}, supportsMigration: true };
  const made = drivers({ ...compute, builtin: { able, plain: { spawn() {}, kill() {} } } });
  assert.deepEqual(made.capabilities('compute', await made.load('compute', 'able')), { supportsMigration: true });
  const plain = await made.load<Compute>('compute', 'plain');
  assert.deepEqual(made.capabilities('compute', plain), { supportsMigration: false });
  assert.throws(() => plain.migrate(), { code: 'PORTICO_NOT_SUPPORTED' });
});

test('MG-52 a shared kind gives the same object for the same name and equal arguments', async () => {
  const made = drivers({ ...compute, shared: true });
  const load = (...args: unknown[]): Promise<object> => made.load('compute', './drivers.js:Local', ...args);
  const [first, second, other] = await Promise.all([load({ a: 1 }), load({ a: 1 }), load({ a: 2 })]);
  assert.equal(first, second);
  assert.notEqual(first, other);
  const own = drivers();
  assert.notEqual(await own.load('compute', './drivers.js:Local'), await own.load('compute', './drivers.js:Local'));
});

test('MG-53 a renamed driver keeps its old name, with a warning', async () => {
  const { log, messages } = recordedLog();
  const made = drivers(
    { ...compute, builtin: { fake: { spawn: () => 'fake', kill() {} } }, aliases: { dummy: 'fake' } },
    { log },
  );
  assert.equal((await made.load<Compute>('compute', 'dummy')).spawn(), 'fake');
  assert.deepEqual(messages(), ['the compute driver "dummy" is now called "fake"; the old name will go']);
});

test('declaring a kind twice is fine when it is the same', () => {
  const made = drivers();
  made.declare({ ...compute });
  assert.throws(() => made.declare({ ...compute, required: [] }), { code: 'PORTICO_DRIVER_KIND_EXISTS' });
});

/** A driver with options of its own, in a group that nobody knew of before. */
class Swift {
  static readonly options = defineOptions({
    container: string({ default: 'images', help: 'Where images are.' }),
    retries: integer({ default: 3, min: 0, help: 'Tries after the first.' }),
  });
  readonly given: unknown[];
  constructor(...given: unknown[]) {
    this.given = given;
  }
  spawn(): void {}
  kill(): void {}
}

const swift: DriverKind = { ...compute, builtin: { swift: Swift, plain: { spawn() {}, kill() {} } } };

test('MG-46 a driver declares its own options when it is loaded, and is given the values of its group', async () => {
  const config = Config.fromText('[swift]\ncontainer = pictures\n');
  config.validate({ complete: false });
  assert.equal(config.has('swift', 'container'), false);
  const driver = await drivers(swift, { config }).load<Swift>('compute', 'swift', 'deps');
  assert.deepEqual(driver.given.slice(1), ['deps']);
  assert.deepEqual({ ...(driver.given[0] as object) }, { driver: '', container: 'pictures', retries: 3 });
  assert.equal(config.has('swift', 'container'), true);

  const grouped = await drivers({ ...swift, configGroup: 'image_store' }, { config }).load<Swift>('compute', 'swift');
  assert.equal((grouped.given[0] as { container: string }).container, 'images');
});

test('MG-46 CF-66 names in a driver’s group are judged once it is loaded, with place and nearest name', async () => {
  const config = Config.fromText('[swift]\ncontaner = pictures\nretries = -1\n', { file: 'portico.ini' });
  config.validate({ complete: false });
  await assert.rejects(drivers(swift, { config }).load('compute', 'swift'), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.deepEqual(
      error.diagnostics.map(({ option }) => option),
      ['retries', 'contaner'],
    );
    assert.match(error.message, /portico\.ini:2:.*contaner: unknown option.*did you mean 'container'/s);
    return true;
  });
});

test('MG-47 MG-59 each backend has a group of its own, which says which driver it is', async () => {
  const config = Config.fromText(
    '[DEFAULT]\nenabled_backends = fast, large\n[fast]\ndriver = swift\ncontainer = f\n[large]\ndriver = swift\nretries = 9\n',
  );
  const backends = await drivers({ ...swift, shared: true }, { config }).loadBackends<Swift>(
    'compute',
    ['fast', 'large'],
    'deps',
  );
  assert.deepEqual(
    [...backends].map(([name, { given }]) => [name, { ...(given[0] as object) }, given[1]]),
    [
      ['fast', { driver: 'swift', container: 'f', retries: 3 }, 'deps'],
      ['large', { driver: 'swift', container: 'images', retries: 9 }, 'deps'],
    ],
  );
  await assert.rejects(drivers(swift).loadBackends('compute', ['fast']), { code: 'PORTICO_NO_CONFIG' });
  await assert.rejects(drivers(swift, { config }).loadBackends('compute', ['slow']), {
    code: 'PORTICO_UNKNOWN_DRIVER',
    message: 'the backend [slow] names no compute driver',
  });
});

test('MG-4 one manager has several drivers, and chooses between them by what they can do', async () => {
  const able = { spawn: () => 'able', kill() {}, supportsMigration: true };
  const made = drivers({ ...compute, builtin: { able, plain: { spawn: () => 'plain', kill() {} } } });
  made.declare({ kind: 'volumes', required: ['attach'], builtin: { local: { attach: () => 'attached' } } });
  class ComputeManager {
    readonly backends = new Map<string, Compute>();
    volumes!: { attach(): string };
    async initHost(): Promise<void> {
      for (const name of ['plain', 'able']) this.backends.set(name, await made.load<Compute>('compute', name));
      this.volumes = await made.load('volumes', 'local');
    }
    spawnMovable(): string {
      const movable = [...this.backends.values()].find(
        (driver) => made.capabilities('compute', driver).supportsMigration,
      );
      return `${movable!.spawn()} ${this.volumes.attach()}`;
    }
  }
  const manager = new ComputeManager();
  await manager.initHost();
  assert.equal(manager.spawnMovable(), 'able attached');
});
