/** Tests that what a load has made is found by the nodes of another tree of its file. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { App, ClosableApp, Conf, SectionLoader } from 'portico/app';
import { Config } from 'portico/config';
import type { ContextTree } from 'portico/loader';
import { Router } from 'portico/routing';
import { mountedApps } from '#internal/loader';
import { loaderOf } from './composed.js';

test('the apps of a load by the node of each section: those of each use, of a cache, and below a composite that tells no children', async () => {
  const byName = new Map<string, App>();
  const made = (name: string, app: ClosableApp): ClosableApp => {
    byName.set(name, app);
    return app;
  };
  const routed = async (globalConf: Conf, localConf: Conf) => {
    const router = new Router();
    router.get('/', () => ({}));
    // Not the Router itself: a function around it.
    const app = made(`${globalConf.get('zone')} ${localConf.get('size')}`, await router.build());
    return ((req, res) => app(req, res)) as App;
  };
  const kept = made('kept', await new Router().build());
  const silent = async (loader: SectionLoader): Promise<App> => {
    const inner = await loader.getApp('last');
    return (req, res) => inner(req, res);
  };
  const ini = `[composite:main]
paste.composite_factory = urlmap
/a: north
/b: south
/c: kept
/d: silent
[app:north]
use = routed
set zone = north
[app:south]
use = routed
set zone = south
[app:routed]
paste.app_factory = routed
size = 1
[app:kept]
paste.app_factory = kept
[composite:silent]
paste.composite_factory = silent
[app:last]
paste.app_factory = routed
size = 2
`;
  const loader = loaderOf(ini, { routed, kept: () => kept, silent });
  for (const _ of ['a first load', 'one that gets the app of the first from its factory']) {
    const app = (await loader.loadApp()) as unknown as { readonly made: { of(node: ContextTree): readonly App[] } };
    const names = (node: ContextTree): string[] =>
      [...byName].filter(([, each]) => app.made.of(node).includes(each)).map(([name]) => name);
    const found = mountedApps(await loader.tree(), new Config()).map((each) => [each.prefix, ...names(each.app)]);
    assert.deepEqual(found, [
      ['/a', 'north 1'],
      ['/b', 'south 1'],
      ['/c', 'kept'],
      ['/d', 'undefined 2'],
    ]);
  }
});
