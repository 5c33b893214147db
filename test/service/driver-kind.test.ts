import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Config, defineOptions, string } from 'portico/config';
import { type DriverKind, Drivers, loadDriver } from 'portico/service';

/** A value that the compiler would not let through. */
const wrong = <T>(value: unknown): T => value as T;

test('a declaration of a kind is looked at when it is made, with all that is wrong and the nearest names', () => {
  const cases: [object, RegExp, RegExp?][] = [
    [{ kind: '' }, /kind is a text, not the text ""/],
    [{ required: undefined }, /required is a list of names of methods, not undefined/],
    [{ required: 'store' }, /required is a list/],
    [{ optinal: ['scan'] }, /there is no optinal/, /"optional"/],
    [{ apiVersion: 1 }, /apiVersion is a text such as "1.0", not the number 1/],
    [
      { capabilities: { supportsX: 'yes' }, shared: 1 },
      /capabilities is .*; shared is true or false, not the number 1/,
    ],
  ];
  for (const [parts, message, hint] of cases) {
    assert.throws(() => new Drivers().declare(wrong<DriverKind>({ kind: 'images', required: [], ...parts })), {
      code: 'PORTICO_BAD_DRIVER_KIND',
      message,
      ...(hint && { hint }),
    });
  }
  assert.throws(() => new Drivers().declare(wrong<DriverKind>(5)), /it is the number 5, not an object/);
});

class Files {
  static options = defineOptions({ folder: string({ required: true, help: 'Where images are.' }) });
  readonly kind = 'files';
}
class Local {
  static options = defineOptions({ folder: string({ default: '/tmp', help: 'Where images are.' }) });
  readonly conf: { folder: string };
  constructor(conf: { folder: string }) {
    this.conf = conf;
  }
}
class Broken {
  constructor() {
    throw new TypeError('no disk');
  }
}

function images(config?: Config): Drivers {
  const drivers = new Drivers(config === undefined ? {} : { config });
  drivers.declare({
    kind: 'images',
    required: [],
    builtin: { files: Files, local: Local, broken: Broken, none: () => undefined },
  });
  return drivers;
}

test('without a configuration a driver has its defaults, and one with required options says what it lacks', async () => {
  const drivers = images();
  await assert.rejects(drivers.load('images', 'files'), { code: 'PORTICO_NO_CONFIG', message: /"files" needs folder/ });
  assert.equal((await drivers.load<Local>('images', 'local')).conf.folder, '/tmp');
});

test('what fails to be made is named, and nothing is called a undefined', async () => {
  const drivers = images();
  await assert.rejects(drivers.load('images', 'broken'), {
    code: 'PORTICO_DRIVER_FAILED',
    message: 'the images driver "broken" cannot be made: no disk',
  });
  await assert.rejects(drivers.load('images', 'none'), {
    code: 'PORTICO_BAD_DRIVER',
    message: /it is undefined, not an/,
  });
  await assert.rejects(loadDriver('', { folder: '.' }), {
    code: 'PORTICO_MODULE_NOT_FOUND',
    message: /a text that is not empty/,
  });
  drivers.declare({ kind: 'numbered', required: [], apiVersion: '1.0', builtin: { one: { apiVersion: 1 } } });
  await assert.rejects(drivers.load('numbered', 'one'), /its apiVersion is a text such as "1\.0", not the number 1/);
});

test('a backend that is listed twice is refused', async () => {
  const drivers = images(Config.fromText('[fast]\ndriver = local\n'));
  await assert.rejects(drivers.loadBackends('images', ['fast', 'fast']), { code: 'PORTICO_DUPLICATE_BACKEND' });
  await drivers.close();
});
