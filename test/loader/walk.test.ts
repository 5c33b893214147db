/** What a build finds in a paste file, and what a check of the rest finds after it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { App, Filter, SectionLoader } from 'portico/app';
import { Config } from 'portico/config';
import { Loader, type LoaderOptions, urlmap } from 'portico/loader';
import type { Walk } from '../../dist/loader/walk.js';
import { loaderOf } from './composed.js';
import { folderOf } from './folder.js';

const make = (): App => (_req, res) => void res.end();
const pass = (): Filter => (app) => app;
const throwing = (): never => {
  throw new Error('no database');
};

/** Builds the app `main` of a file, and returns the walk. */
async function walked(ini: string, factories: Readonly<Record<string, unknown>> = {}): Promise<Walk> {
  let walk: unknown;
  const loader = loaderOf(ini, { make, pass, throwing, ...factories }, { config: new Config() });
  const take = { walked: (made: unknown) => (walk = made) } as object;
  await loader.loadApp('main', take).then(
    (app) => app.close(),
    () => undefined,
  );
  return walk as Walk;
}

function told({ diagnostics }: Pick<Walk, 'diagnostics'>): string[] {
  return diagnostics.map(({ severity, code, location }) => `${location?.origin?.line} ${severity} ${code.slice(14)}`);
}

const FACTORIES = '[filter:pass]\npaste.filter_factory = pass\n[app:inner]\npaste.app_factory = make\n';

test('one walk: a refused build has also what stands beside and behind the parts that it cannot create', async () => {
  const ini = `[composite:main]
paste.composite_factory = urlmap
bad place = inner
/a = piped
/b = gone
[pipeline:piped]
pipeline = pass pass lost inner
[app:unused]
paste.app_factory = nowhere
${FACTORIES}`;
  const walk = await walked(ini);
  assert.deepEqual(told(walk), [
    '3 error BAD_VALUE',
    '5 error NO_SECTION',
    '7 warning FILTER_TWICE',
    '7 error NO_SECTION',
  ]);
  assert.equal(walk.load.findings.blames, true);
});

test('one walk: factories that fail alone blame no configuration', async () => {
  const ini = '[app:main]\npaste.app_factory = throwing\n';
  const walk = await walked(ini);
  assert.deepEqual(told(walk), ['1 error FACTORY_FAILED']);
  assert.equal(walk.load.findings.blames, false);
});

test('one walk: what a composite goes on without is a warning', async () => {
  const fallback = async (loader: SectionLoader): Promise<App> =>
    loader.getApp('first').catch(() => loader.getApp('inner'));
  const ini = `[composite:main]\npaste.composite_factory = fallback\n[pipeline:first]\npipeline = gone inner\n${FACTORIES}`;
  assert.deepEqual(told(await walked(ini, { fallback })), ['4 warning NO_SECTION']);
});

test('one walk: behind a factory that waits the rest is looked at, and the end of the load is no finding', async () => {
  let end: () => void = () => {};
  const waiting = async (): Promise<Filter> => {
    await new Promise<void>((resolve) => {
      end = resolve;
    });
    return (app) => app;
  };
  let ended: () => void = () => {};
  const left = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const map = Object.assign(
    (...given: Parameters<typeof urlmap>) => Promise.resolve(urlmap(...given)).finally(ended),
    urlmap,
  );
  const ini = `[composite:main]
paste.composite_factory = map
/a = failing
/b = piped
/c = gone
[app:failing]
paste.app_factory = throwing
[pipeline:piped]
pipeline = slow slow inner
[filter:slow]
paste.filter_factory = waiting
${FACTORIES}`;
  const walk = await walked(ini, { waiting, map });
  end();
  await left;
  // What must not come has no event.
  await wait(100);
  assert.deepEqual(told(walk), ['5 error NO_SECTION', '6 error FACTORY_FAILED', '9 warning FILTER_TWICE']);
});

test('one walk: the rest begins where builds have not been, as warnings, without a filter that was probably meant', async () => {
  const folder = folderOf({
    'm.js':
      'export const make = () => (req, res) => res.end();\nexport const pass = () => (app) => app;\nexport const no = 1;\n',
    'api-paste.ini': `[pipeline:main]
pipeline = pas inner
[pipeline:other]
pipeline = gone inner
[filter:pass]
paste.filter_factory = ./m.js:pass
[filter:unused]
paste.filter_factory = ./m.js:no
[app:inner]
paste.app_factory = ./m.js:make
`,
  });
  const file = `${folder}/api-paste.ini`;
  const { walkFile } = Loader as unknown as {
    walkFile(
      path: string,
      options: LoaderOptions & { names?: readonly string[]; after?: readonly Walk[] },
    ): Promise<Walk>;
  };
  const config = new Config();
  const first = await walkFile.call(Loader, file, { config, names: ['main'] });
  assert.deepEqual(told(first), ['2 error NO_SECTION']);
  const rest = await walkFile.call(Loader, file, { config, after: [first] });
  assert.deepEqual(told(rest), ['4 warning NO_SECTION', '7 warning UNUSED_SECTION', '8 warning BAD_TYPE']);
  assert.deepEqual(told(await walkFile.call(Loader, file, { config, after: [first, rest] })), []);
});
