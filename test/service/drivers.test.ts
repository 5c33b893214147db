import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { Drivers, type DriversOptions } from '#internal/service';
import { temporaryFolder } from '../fixtures/keeper.js';
import { recordedLog } from '../tasks/recorded-log.js';

const outer = temporaryFolder('drivers-');
const folder = join(outer, 'application');

/** Loads a driver that is not closed. */
const loadDriver = <T extends object>(reference: string, where: DriversOptions, ...args: unknown[]): Promise<T> =>
  new Drivers(where).load<T>(reference, { args });

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
  '{ "name": "virt", "type": "module", "exports": { "./kvm": { "import": "./kvm.js" } } }',
);
write('node_modules/virt/kvm.js', `export class Kvm { spawn() { return 'kvm'; } kill() {} }`);

interface Compute {
  args: unknown[];
  spawn(): string;
  kill(): void;
}

const required = ['spawn', 'kill'];

function drivers(builtin: object = {}, options: DriversOptions = {}): Drivers {
  return new Drivers({ folder, builtin: { ...builtin }, ...options });
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

test('MG-40 names: those of the table, then modules; a class, function or object as it is', async () => {
  const made = drivers({ fake: { spawn: () => 'fake', kill() {} } });
  for (const [source, answer] of [
    ['fake', 'fake'],
    ['virt/kvm:Kvm', 'kvm'],
    ['./drivers.js:Local', 'local'],
    [() => ({ spawn: () => 'given', kill() {} }), 'given'],
  ] as const) {
    assert.equal((await made.load<Compute>(source, { required })).spawn(), answer);
  }
  assert.deepEqual((await made.load<Compute>('./drivers.js:Local', { args: [1, 'two'] })).args, [1, 'two']);
});

test('MG-40 an unknown name gives the known ones', async () => {
  const made = drivers({ fake: {}, kvm: {} });
  await assert.rejects(made.load('fkae'), {
    code: 'PORTICO_UNKNOWN_DRIVER',
    message: 'there is no driver called "fkae"',
    hint: /Did you mean "fake"\?.*Known: fake, kvm/,
  });
  await assert.rejects(made.find('xen'), { code: 'PORTICO_UNKNOWN_DRIVER' });
  await assert.rejects(drivers().load('xen'), { code: 'PORTICO_MODULE_NOT_FOUND' });
});

test('MG-41 MG-59 a driver that lacks a method is refused when it is loaded, and so is what is no object', async () => {
  await assert.rejects(drivers().load('./drivers.js:Half', { required }), {
    code: 'PORTICO_BAD_DRIVER',
    message: '"./drivers.js:Half" cannot be used: it has no kill',
    hint: 'It must have spawn, kill.',
  });
  await assert.rejects(drivers({ none: () => undefined }).load('none'), {
    code: 'PORTICO_BAD_DRIVER',
    message: '"none" cannot be used: it is undefined, not an object',
  });
  await assert.rejects(drivers().load('./drivers.js:Half', { required: ['spwan'] }), { message: /it has no spwan/ });
});

test('what fails to be made is named', async () => {
  class Broken {
    constructor() {
      throw new TypeError('no disk');
    }
  }
  for (const [source, name] of [
    ['broken', 'broken'],
    [Broken, 'Broken'],
  ] as const) {
    await assert.rejects(drivers({ broken: Broken }).load(source), {
      code: 'PORTICO_DRIVER_FAILED',
      message: `the driver "${name}" cannot be made: no disk`,
    });
  }
  await assert.rejects(loadDriver('', { folder }), {
    code: 'PORTICO_MODULE_NOT_FOUND',
    message: /a non-empty string/,
  });
});

test('MG-42 a driver is opened when it is loaded, and all are closed in reverse order, whatever fails', async () => {
  const calls: string[] = [];
  const driver = (name: string) => ({
    open: async () => void calls.push(`open ${name}`),
    close: async () => {
      calls.push(`close ${name}`);
      if (name === 'b') throw new Error('no');
    },
  });
  const { log, messages } = recordedLog();
  const failing = { open: () => Promise.reject(new Error('no route to host')) };
  const made = drivers({ a: driver('a'), b: driver('b'), c: driver('c'), failing }, { log });
  for (const name of ['a', 'b', 'c']) await made.load(name);
  await assert.rejects(made.load('failing'), {
    code: 'PORTICO_DRIVER_OPEN',
    message: 'the driver "failing" cannot be opened: no route to host',
  });
  await made.close();
  await made.close();
  assert.deepEqual(calls, ['open a', 'open b', 'open c', 'close c', 'close b', 'close a']);
  assert.equal(messages().length, 1);
});
