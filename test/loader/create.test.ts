/** Tests creation: order, arguments, checks, and release. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { test } from 'node:test';
import type { FastifyInstance } from 'fastify';
import type { App, ClosableApp, Conf, FactoryContext, Filter, SectionLoader } from 'portico/app';
import { Config, PorticoError } from 'portico/config';
import { Router } from 'portico/routing';
import { buildApp, request } from 'portico/testing';
import { factoryLog } from '#internal/app';
import { asTrial, ConfigurationRefused } from '#internal/config';
import { PasteError } from '#internal/loader';
import { composed, loaderOf } from './composed.js';

const throwing = (): never => {
  throw new Error('database is down');
};

test('DR-11 a factory knows whether what it makes will serve', async () => {
  const given: boolean[] = [];
  const app = (_globalConf: Conf, _localConf: Conf, { isTrial }: FactoryContext) => {
    given.push(isTrial);
    return () => undefined;
  };
  const loader = loaderOf('[app:main]\npaste.app_factory = app\n', { app });
  await loader.loadApp();
  await asTrial(() => loader.loadApp());
  assert.deepEqual(given, [false, true]);
  // The load is refused already: the factory is called for its errors.
  const refused = loaderOf('[pipeline:main]\npipeline = gone app\n[app:app]\npaste.app_factory = app\n', { app });
  await assert.rejects(refused.loadApp(), { code: 'PORTICO_PASTE_NO_SECTION' });
  assert.deepEqual(given, [false, true, true]);
});

test('PD-162 a factory is given both configurations in file order, and its surroundings', async () => {
  let given: { globalConf: Conf; localConf: Conf; ctx: FactoryContext } | undefined;
  const config = new Config();
  const app = (globalConf: Conf, localConf: Conf, ctx: FactoryContext) => {
    given = { globalConf, localConf, ctx };
    (globalConf as Map<string, string>).set('leak', 'yes');
    return () => undefined;
  };
  const ini =
    '[DEFAULT]\nregion = north\n[app:main]\nuse = base\n9 = c\n[app:base]\npaste.app_factory = app\n10 = b\n__proto__ = p\n';
  const loader = loaderOf(ini, { app }, { config, globalConf: { workers: '3' } });
  await loader.loadApp();
  assert.deepEqual([...given!.globalConf.keys()], ['here', '__file__', 'region', 'workers', 'leak']);
  assert.deepEqual(
    [...given!.localConf],
    [
      ['10', 'b'],
      ['__proto__', 'p'],
      ['9', 'c'],
    ],
  );
  const { section, config: handed } = given!.ctx;
  assert.deepEqual([section.kind, section.name, section.origin.line, handed === config], ['app', 'main', 3, true]);
  assert.deepEqual(
    [...section.options].map(([name, { value, origin }]) => [name, value, origin?.line]),
    [
      ['10', 'b', 8],
      ['__proto__', 'p', 9],
      ['9', 'c', 5],
    ],
  );
  assert.equal(loader.appConfig().globalConf.has('leak'), false);
});

test('PD-163 what a factory throws becomes an error of its section, with the cause', async (t) => {
  const boom = new Error('no such database');
  for (const app of [
    () => {
      throw boom;
    },
    () => Promise.reject(boom),
  ]) {
    await assert.rejects(
      composed(
        t,
        '[app:main]\n\n[app:x]\n[app: main2]\npaste.app_factory = app\n'.replace(
          '[app:main]',
          '[pipeline:main]\npipeline = main2',
        ),
        { app },
      ),
      (error: unknown) => {
        assert.ok(error instanceof PasteError);
        assert.deepEqual(
          [error.code, error.origin?.line, error.origin?.section, error.cause],
          ['PORTICO_PASTE_FACTORY_FAILED', 5, 'app: main2', boom],
        );
        assert.match(error.message, /app "main2": app failed: no such database/);
        return true;
      },
    );
  }
});

test('an error with a hint that a factory throws keeps its hint', async (t) => {
  const missing = new PorticoError('PORTICO_SQLITE_MISSING', { message: 'no SQLite', hint: 'npm install it' });
  const app = (): never => {
    throw missing;
  };
  await assert.rejects(composed(t, '[app:main]\npaste.app_factory = app', { app }), { hint: 'npm install it' });
});

test('a refusal without a location, such as a missing package, is at the section of its factory', async (t) => {
  const app = (): never => {
    throw new ConfigurationRefused('PORTICO_PG_MISSING', { message: 'no pg', hint: 'npm install pg' });
  };
  const loading = composed(t, '[DEFAULT]\n\n[app:main]\npaste.app_factory = app', { app });
  await assert.rejects(loading, ({ code, hint, diagnostics }: ConfigurationRefused) => {
    const places = diagnostics.map(({ location, hint: own }) => [location?.origin?.line, own]);
    assert.deepEqual([code, hint, places], ['PORTICO_PG_MISSING', 'npm install pg', [[3, 'npm install pg']]]);
    return true;
  });
});

test('an app or a filter in place of its factory is refused with how a factory is called', async (t) => {
  const factories = { x: (res: { end(text: string): void }) => res.end('hello') };
  await assert.rejects(composed(t, '[app:main]\npaste.app_factory = x', factories), (error: unknown) => {
    assert.ok(error instanceof PasteError);
    assert.match(error.message, /res.end is not a function/);
    assert.match(error.hint ?? '', /called with \(globalConf, localConf, ctx\).*outer function/s);
    return true;
  });
});

test('a factory that calls what is not a function is not taken for an app', async (t) => {
  for (const app of [
    () => ({ get: 1 as unknown as () => void }).get(),
    (_globalConf: unknown, _localConf: unknown, ctx: { gte(): void }) => ctx.gte(),
  ]) {
    await assert.rejects(composed(t, '[app:main]\npaste.app_factory = app', { app }), (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.match(error.message, /is not a function/);
      assert.equal(error.hint, undefined);
      return true;
    });
  }
});

test('PD-164 a Router in the place of an app is asked for its build()', async (t) => {
  const app = (): unknown => ({ build: () => () => undefined });
  await assert.rejects(composed(t, '[app:main]\npaste.app_factory = app', { app }), {
    hint: /A Router makes one: return router\.build\(\)\.$/,
  });
});

test('a filter factory without its outer function is asked for it, whatever it does first', async (t) => {
  type Answer = { setHeader(name: string, value: string): void };
  const mistaken: unknown[] = [
    (app: (req: unknown, res: Answer) => unknown) => (req: unknown, res: Answer) => {
      res.setHeader('x-a', 'b');
      return app(req, res);
    },
    () => async (_req: unknown, res: Answer) => res.setHeader('x-a', 'b'),
    () => (_req: unknown, _res: Answer) => undefined,
    (app: (req: unknown, res: Answer) => unknown) => (req: unknown, res: Answer) => app(req, res),
  ];
  for (const shout of mistaken) {
    const ini =
      '[pipeline:main]\npipeline = shout app\n[app:app]\npaste.app_factory = app\n[filter:shout]\npaste.filter_factory = shout';
    await assert.rejects(composed(t, ini, { app: () => () => undefined, shout }), (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.match(error.hint ?? '', /called with \(globalConf, localConf, ctx\).*outer function/s);
      return true;
    });
  }
});

test('an app that a filter factory gives, as that of a Router, is refused at the section of the filter', async (t) => {
  const routed = (): Promise<unknown> => new Router().build();
  const ini =
    '[pipeline:main]\npipeline = orders app\n[app:app]\npaste.app_factory = app\n[filter:orders]\npaste.filter_factory = routed';
  await assert.rejects(composed(t, ini, { app: () => () => undefined, routed }), (error: unknown) => {
    assert.ok(error instanceof PasteError);
    assert.deepEqual(
      [error.code, error.origin?.line, error.origin?.section],
      ['PORTICO_PASTE_BAD_TYPE', 5, 'filter:orders'],
    );
    assert.match(error.message, /filter "orders": routed returned an app \(req, res\) instead of a filter/);
    assert.match(error.hint ?? '', /\[app:…\] with paste\.app_factory/);
    return true;
  });
});

test('MI-2 a filter that an app factory gives is refused at the section of the app; an app of one parameter is not', async (t) => {
  const inner = () => undefined;
  const ini = '[DEFAULT]\nx = 1\n[app:main]\npaste.app_factory = made';
  for (const filter of [() => inner, async () => inner]) {
    const made = () => (app: unknown) => app && filter();
    await assert.rejects(composed(t, ini, { made }), (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.deepEqual(
        [error.code, error.origin?.line, error.origin?.section],
        ['PORTICO_PASTE_BAD_TYPE', 3, 'app:main'],
      );
      assert.match(error.message, /app "main": made returned a filter \(app\) instead of an app/);
      assert.match(error.hint ?? '', /\[filter:…\] with paste\.filter_factory/);
      return true;
    });
  }
  const endless = new Promise(() => undefined);
  for (const made of [
    () => (req: { url: string }) => req.url.length,
    () => async (req: { url: string }) => req.url.length,
    () => (_req: unknown) => endless,
  ]) {
    await composed(t, ini, { made });
  }
});

test('PD-164 an app is a function, a filter a function that returns one', async (t) => {
  const rows: [ini: string, factories: Record<string, unknown>, says: RegExp][] = [
    ['[app:main]\npaste.app_factory = x', { x: () => ({ listen: true }) }, /x gave an object instead of an app/],
    ['[app:main]\npaste.app_factory = x', { x: () => undefined }, /x gave undefined instead of an app/],
    [
      '[pipeline:main]\npipeline = f m\n[app:m]\npaste.app_factory = echo\n[filter:f]\npaste.filter_factory = x',
      { x: () => 'no' },
      /x gave a string instead of a filter/,
    ],
    [
      '[pipeline:main]\npipeline = f m\n[app:m]\npaste.app_factory = echo\n[filter:f]\npaste.filter_factory = x',
      { x: () => () => null },
      /its filter gave null instead of an app/,
    ],
    [
      '[pipeline:main]\npipeline = f m\n[app:m]\npaste.app_factory = echo\n[filter:f]\npaste.filter_app_factory = x',
      { x: () => 7 },
      /its filter gave a number instead of an app/,
    ],
  ];
  for (const [ini, factories, says] of rows) {
    await assert.rejects(composed(t, ini, factories), (error: unknown) => {
      assert.ok(error instanceof PasteError);
      assert.equal(error.code, 'PORTICO_PASTE_BAD_TYPE');
      assert.match(error.message, says);
      assert.ok((error.origin?.line ?? 0) > 0);
      return true;
    });
  }
});

test('PD-165 releases run in reverse order, all of them, and the first error is thrown', async () => {
  const log: string[] = [];
  const held =
    (name: string, fails = false) =>
    (_g: Conf, _l: Conf, ctx: FactoryContext) => {
      ctx.onClose(async () => {
        await new Promise((resolve) => setImmediate(resolve));
        log.push(name);
        if (fails) throw new Error(`${name} is stuck`);
      });
      return () => undefined;
    };
  const ini =
    '[composite:main]\npaste.composite_factory = urlmap\n/a = a\n/b = b\n/c = c\n[app:a]\npaste.app_factory = a\n[app:b]\npaste.app_factory = b\n[app:c]\npaste.app_factory = c\n';
  const app = await loaderOf(ini, { a: held('a', true), b: held('b', true), c: held('c') }).loadApp();
  await assert.rejects(app.close(), /b is stuck/);
  assert.deepEqual(log, ['c', 'b', 'a']);
});

/** Returns a router's app that records when it is closed. */
function closing(name: string, log: string[]): Promise<ClosableApp> {
  return new Router({
    plugins: [async (fastify: FastifyInstance) => void fastify.addHook('onClose', async () => void log.push(name))],
  }).build();
}

test('an app that a factory makes is closed before what the factory acquired, with the last loaded app that has it', async () => {
  const log: string[] = [];
  let calls = 0;
  let kept: ClosableApp | undefined;
  const module = await closing('module', log);
  const factories = {
    own: (_g: Conf, _l: Conf, ctx: FactoryContext) => {
      ctx.onClose(async () => void log.push('pool'));
      return closing(`own ${++calls}`, log);
    },
    kept: async () => {
      kept ??= await closing('kept', log);
      return kept;
    },
    module: () => module,
    within: () => closing('filter-app', log),
  };
  const ini = `[composite:main]
paste.composite_factory = urlmap
/a = a
/b = b
/c = c
/d = d
[app:a]
paste.app_factory = own
[app:b]
paste.app_factory = kept
[app:c]
paste.app_factory = module
[app:d]
paste.app_factory = module
filter-with = d
[filter:d]
paste.filter_app_factory = within
`;
  const load = () => loaderOf(ini, factories).loadApp();
  const [first, second] = [await load(), await load()];
  await first.close();
  assert.deepEqual(log, ['filter-app', 'own 1', 'pool']);
  await second.close();
  assert.deepEqual(log.slice(3), ['filter-app', 'kept', 'own 2', 'pool']);
});

test('buildApp closes the app that its factory makes, and leaves one of a module', async () => {
  const log: string[] = [];
  await (await buildApp(() => closing('own', log))).close();
  const module = await closing('module', log);
  await (await buildApp(() => module)).close();
  assert.deepEqual(log, ['own']);
});

test('PD-165 when creation fails half way, what was acquired so far is released first', async () => {
  const log: string[] = [];
  const held = (_g: Conf, l: Conf, ctx: FactoryContext) => {
    ctx.onClose(() => void log.push(`released ${l.get('n')}`));
    return () => undefined;
  };
  const broken = () => {
    throw new Error('broken');
  };
  const ini =
    '[composite:main]\npaste.composite_factory = urlmap\n/a = a\n/b = b\n/c = c\n[app:a]\npaste.app_factory = held\nn = a\n[app:b]\npaste.app_factory = held\nn = b\n[app:c]\npaste.app_factory = broken\n';
  await assert.rejects(
    loaderOf(ini, { held, broken })
      .loadApp()
      .catch((error: unknown) => {
        log.push('thrown');
        throw error;
      }),
    /broken/,
  );
  assert.deepEqual(log, ['released b', 'released a', 'thrown']);
});

test('PD-165 what a child acquires after its sibling failed is released too', async () => {
  const told = new EventEmitter();
  const released = once(told, 'released');
  const ini =
    '[composite:main]\npaste.composite_factory = both\n[app:a]\npaste.app_factory = slow\n[app:b]\npaste.app_factory = broken\n';
  const both = (loader: SectionLoader) => Promise.all([loader.getApp('a'), loader.getApp('b')]);
  const slow = async (_g: Conf, _l: Conf, ctx: FactoryContext) => {
    await once(told, 'thrown');
    ctx.onClose(() => void told.emit('released'));
    return () => undefined;
  };
  const broken = () => {
    throw new Error('broken');
  };
  await assert.rejects(loaderOf(ini, { both, slow, broken }).loadApp(), /broken/);
  told.emit('thrown');
  await released;
});

test('PD-70 a server is a function of the app', async () => {
  const served: unknown[] = [];
  const factory = (_g: Conf, l: Conf) => (app: App) => void served.push('factory', l.get('port'), app);
  const runner = (app: App, _g: Conf, l: Conf) => void served.push('runner', l.get('port'), app);
  const loader = loaderOf(
    '[server:main]\npaste.server_factory = factory\nport = 1\n[server:run]\npaste.server_runner = runner\nport = 2\n',
    { factory, runner },
  );
  const app: App = () => undefined;
  await (await loader.loadServer())(app);
  await (await loader.loadServer('run'))(app);
  assert.deepEqual(served, ['factory', '1', app, 'runner', '2', app]);
});

test('a server runner, which may return only when its server has ended, does not run as a factory', async () => {
  const isFactory: boolean[] = [];
  // In a factory all names give the same log.
  const note = () => void isFactory.push(factoryLog('one') === factoryLog('other'));
  const factory = () => {
    note();
    return () => undefined;
  };
  const ini = '[app:main]\npaste.app_factory = factory\n[server:main]\npaste.server_runner = note\n';
  const loader = loaderOf(ini, { factory, note });
  await (await loader.loadServer())(await loader.loadApp());
  assert.deepEqual(isFactory, [true, false]);
});

test('PD-163 all factories that fail are reported at once, of all mounts; what was acquired is released', async (t) => {
  const released: string[] = [];
  const acquiring = (_globalConf: Conf, _localConf: Conf, ctx: FactoryContext) => {
    ctx.onClose(() => void released.push(ctx.section.name));
    return (app: App) => app;
  };
  const ini = `[composite:main]
paste.composite_factory = urlmap
/ = one
/b = two
[pipeline:one]
pipeline = f1 held inner
[pipeline:two]
pipeline = f2 inner
[filter:f1]
paste.filter_factory = throwing
[filter:f2]
paste.filter_factory = throwing
[filter:held]
paste.filter_factory = acquiring
[app:inner]
paste.app_factory = nothing
`;
  await assert.rejects(composed(t, ini, { throwing, acquiring, nothing: () => undefined }), (error: unknown) => {
    assert.ok(error instanceof ConfigurationRefused);
    assert.deepEqual(
      error.diagnostics.map(({ code, location }) => [code, location?.origin?.line]),
      [
        ['PORTICO_PASTE_FACTORY_FAILED', 9],
        ['PORTICO_PASTE_FACTORY_FAILED', 11],
        ['PORTICO_PASTE_BAD_TYPE', 15],
      ],
    );
    return true;
  });
  assert.deepEqual(released, ['held']);
});

test('PD-163 beside a part that cannot be loaded, the factories of the other parts are called, and tell what they refuse', async (t) => {
  const released: string[] = [];
  const acquiring = (_globalConf: Conf, _localConf: Conf, ctx: FactoryContext) => {
    ctx.onClose(() => void released.push(ctx.section.name));
    return (app: App) => app;
  };
  const mounts = `[composite:main]
paste.composite_factory = urlmap
/ = one
/b = two
`;
  const pipelines = `[pipeline:one]
pipeline = gone held inner
[pipeline:two]
pipeline = lost inner
[filter:held]
paste.filter_factory = acquiring
[app:inner]
paste.app_factory = throwing
`;
  const found = async (ini: string): Promise<unknown> => {
    const error: unknown = await composed(t, ini, { throwing, acquiring }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof ConfigurationRefused);
    return error.diagnostics.map(({ code, location }) => [code, location?.origin?.line]);
  };
  assert.deepEqual(await found(mounts + pipelines), [
    ['PORTICO_PASTE_NO_SECTION', 6],
    ['PORTICO_PASTE_NO_SECTION', 8],
    ['PORTICO_PASTE_FACTORY_FAILED', 11],
  ]);
  assert.deepEqual(released, ['held']);
  assert.deepEqual(await found(pipelines.replace('pipeline:one', 'pipeline:main')), [
    ['PORTICO_PASTE_NO_SECTION', 2],
    ['PORTICO_PASTE_FACTORY_FAILED', 7],
  ]);
});

const FAILING_PIPELINE = '[pipeline:first]\npipeline = inner\n[app:inner]\npaste.app_factory = throwing\n';

test('a composite may go on without a child that fails, whatever the child is', async (t) => {
  const fallback = async (loader: SectionLoader): Promise<App> => {
    try {
      return await loader.getApp('first');
    } catch {
      return loader.getApp('second');
    }
  };
  const second: App = (_req, res) => void res.end('second');
  const ini = `[composite:main]\npaste.composite_factory = fallback\n[app:second]\npaste.app_factory = make\n${FAILING_PIPELINE}`;
  const app = await composed(t, ini, { fallback, throwing, make: () => second });
  assert.equal((await request(app, 'GET', '/')).text(), 'second');
});

test('a factory that waits does not keep back one that has failed', async (t) => {
  const waiting = (): Promise<never> => new Promise(() => {});
  const ini = `[pipeline:main]\npipeline = f inner\n[filter:f]\npaste.filter_factory = waiting\n[app:inner]\npaste.app_factory = throwing\n`;
  await assert.rejects(composed(t, ini, { waiting, throwing }), /database is down/);
});

test('a filter is not given the stand-in for an app that failed, and failures alone blame no configuration', async (t) => {
  let called = 0;
  const f = () => (app: App) => {
    called += 1;
    return app;
  };
  const ini = `[pipeline:main]\npipeline = f g first\n[filter:f]\npaste.filter_factory = f\n[filter:g]\npaste.filter_factory = throwing\n${FAILING_PIPELINE}`;
  await assert.rejects(composed(t, ini, { f, throwing }), (error: unknown) => {
    assert.ok(error instanceof ConfigurationRefused);
    assert.deepEqual([error.name, error.blamesConfiguration, error.diagnostics.length], ['FactoryFailed', false, 2]);
    return true;
  });
  assert.equal(called, 0);
});

test('PD-163 the error of a factory does not show the secrets of its section', async (t) => {
  const failing = (_globalConf: Conf, localConf: Conf): never => {
    throw new Error(`cannot log in with ${localConf.get('db_password')} as ${localConf.get('user')}`);
  };
  const ini = '[app:main]\npaste.app_factory = failing\ndb_password = TOPSECRET\nuser = nova\n';
  await assert.rejects(composed(t, ini, { failing }), /failed: cannot log in with \*\*\*\* as nova/);
});

test('failures behind one that waits are reported after two seconds, of all levels, and nothing is called after that', async (t) => {
  const called: string[] = [];
  let end: () => void = () => {};
  const waiting = async (): Promise<Filter> => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return (app) => app;
  };
  const later = (): Filter => {
    called.push('later');
    return (app) => app;
  };
  const ini = `[composite:main]
paste.composite_factory = urlmap
/a = inner
/b = two
[pipeline:two]
pipeline = bad slow after other
[filter:bad]
paste.filter_factory = throwing
[filter:slow]
paste.filter_factory = waiting
[filter:after]
paste.filter_factory = later
[app:inner]
paste.app_factory = throwing
[app:other]
paste.app_factory = make
`;
  const make = (): App => (_req, res) => void res.end();
  await assert.rejects(composed(t, ini, { throwing, waiting, later, make }), (error: unknown) => {
    assert.ok(error instanceof ConfigurationRefused);
    assert.deepEqual(
      error.diagnostics.map(({ location }) => location?.origin?.line),
      [7, 13],
    );
    return true;
  });
  end();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(called, []);
});
