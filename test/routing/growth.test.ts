import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Mapper, Router } from 'portico/routing';
import { countedSteps } from '../fixtures/counted-steps.js';

/** Tables of `count` routes that have something in common. */
const TABLES: Readonly<Record<string, (router: Router, index: number) => void>> = {
  'of one path with conditions': (router, index) =>
    void router.get('/x/{id}', { conditions: { function: () => false } }, () => ({ index })),
  'with a variable of several segments': (router, index) =>
    void router.get(`/{a}/{rest:path}/x${index}`, () => ({ index })),
  'of texts outside of ASCII': (router, index) =>
    void router.get(`/${String.fromCharCode(0x4e00 + index)}/{id}`, () => ({ index })),
  'whose handlers have one name': (router, index) =>
    void router.get(`/h${index}`, function list() {
      return { index };
    }),
  'of segments that end in a text': (router, index) => void router.get(`/{id}-x${index}`, () => ({ index })),
};

const build = (add: (router: Router, index: number) => void, count: number) =>
  countedSteps(() => {
    const router = new Router();
    for (let index = 0; index < count; index++) add(router, index);
    return router.build();
  });

for (const [name, add] of Object.entries(TABLES)) {
  test(`GR-7 a table of routes ${name} is built in steps proportional to their number`, async () => {
    await build(add, 10);
    const [few, many] = [await build(add, 250), await build(add, 1000)];
    assert.ok(many <= 4.5 * few, `250 routes take ${few} steps, 1,000 take ${many}`);
  });
}

/** Returns the steps of a lookup in a table. */
function lookUp(templates: readonly string[], path: string): Promise<number> {
  const mapper = new Mapper();
  for (const template of templates) mapper.connect(template, { controller: 'c', action: 'a' });
  const table = mapper.compile();
  table.find('GET', path, null);
  return countedSteps(() => table.find('GET', path, null));
}

test('GR-8 a lookup does not try segments or rests one after another, whatever a client sends', async () => {
  const list = (count: number, template: (index: number) => string) =>
    Array.from({ length: count }, (_, i) => template(i));
  for (const template of [
    (i: number) => `/{id}-x${i}`,
    (i: number) => `/v{id}-x${i}`,
    (i: number) => `/{a}/{rest:.+}/x${i}`,
  ]) {
    for (const path of ['/v1-x7', '/v1-x', '/a/b/c/x7', '/a/b/c/y']) {
      const [few, many] = [await lookUp(list(40, template), path), await lookUp(list(1000, template), path)];
      assert.ok(
        many <= few + 30,
        `${path} in ${template(1)} … takes ${few} steps among 40 routes, ${many} among 1,000`,
      );
    }
  }
});
