import assert from 'node:assert/strict';
import { test } from 'node:test';
import { composed } from './composed.js';
import { MEMBERS, recording } from './recording.js';

const ORDERS: Readonly<Record<string, { ini: string; calls: string[] }>> = {
  'a pipeline: app, filters from the left, applied from the right': {
    ini: '[pipeline:main]\npipeline = f1 f2 a',
    calls: ['app a', 'filter f1', 'applied f2', 'applied f1'],
  },
  'a filter-app: what is inside first': {
    ini: '[filter-app:main]\nuse = f1\nnext = a',
    calls: ['app a', 'filter f1', 'applied f1'],
  },
  'filter-with: the filter first': {
    ini: '[app:main]\npaste.app_factory = app\nn = main\nfilter-with = f1',
    calls: ['filter f1', 'app main', 'applied f1'],
  },
  'filter-with on a filter: the outer is made first and applied last': {
    ini: '[pipeline:main]\npipeline = f3 a',
    calls: ['app a', 'filter f1', 'filter f3', 'applied f3', 'applied f1'],
  },
  'a composite: children when they are asked for, each anew': {
    ini: '[composite:main]\npaste.composite_factory = urlmap\n/b = a\n/a = a\nnot_found_app = p\n[pipeline:p]\npipeline = f1 a',
    calls: ['app a', 'filter f1', 'applied f1', 'app a', 'app a'],
  },
};

for (const [about, { ini, calls: expected }] of Object.entries(ORDERS)) {
  test(`PD-72 PD-163 order of ${about}`, async (t) => {
    for (const slow of [false, true]) {
      const { calls, factories } = recording(slow);
      await composed(t, ini + MEMBERS, factories);
      assert.deepEqual(calls, expected, slow ? 'with promises' : 'at once');
    }
  });
}

test('PD-65 filter-with on a pipeline and on a filter-app gives the app', async (t) => {
  const { factories } = recording(false);
  for (const inner of [
    '[pipeline:p]\npipeline = f1 a\nfilter-with = f2',
    '[filter-app:p]\nuse = f1\nnext = a\nfilter-with = f2',
  ]) {
    const app = await composed(t, `[app:main]\nuse = p\nfilter-with = f1\n${inner}${MEMBERS}`, factories);
    assert.equal(app.length, 2, 'a function of a request and a response');
  }
});
