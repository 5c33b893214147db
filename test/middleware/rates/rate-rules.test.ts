import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type App, environ, RequestContext } from 'portico/app';
import { rateLimit } from 'portico/middleware';
import { buildFilter, lint, request } from 'portico/testing';
import { parseRule } from '../../../dist/middleware/rate-limit.js';

const app: App = (_req, res) => {
  res.end();
};

test('MW-20 rules hold for their methods, paths and kinds of caller', async () => {
  const { made } = await buildFilter(rateLimit, { local: { rules: 'boot project 1/h 1 POST,PUT /servers/*/action' } });
  const limited = made(app);
  const as =
    (projectId: string | undefined): App =>
    (req, res) => {
      environ(req).context = new RequestContext({ projectId });
      return limited(req, res);
    };
  const status = async (project: string | undefined, method: string, path: string): Promise<number> =>
    (await request(lint(as(project)), method, path)).status;
  assert.equal(await status('blue', 'POST', '/servers/1/action'), 200);
  assert.equal(await status('blue', 'PUT', '/servers/2/action/x'), 429);
  assert.equal(await status('blue', 'GET', '/servers/1/action'), 200);
  assert.equal(await status('blue', 'POST', '/servers/1'), 200);
  assert.equal(await status('red', 'POST', '/servers/1/action'), 200);
  assert.equal(await status(undefined, 'POST', '/servers/1/action'), 200);
});

for (const rule of [
  'x',
  'all addres 1 1',
  'all address 0 1',
  'all address 1/y 1',
  'all address 1 0',
  'a address 1 1 GET /x y',
]) {
  test(`MW-5 the rule "${rule}" refuses to load`, async () => {
    await assert.rejects(async () => buildFilter(rateLimit, { local: { rules: rule } }), { code: 'PORTICO_RATE_RULE' });
  });
}

test('MW-5 a rule in the line below another is refused with what to write', async () => {
  await assert.rejects(async () => parseRule('all address 10/s 20\nboot project 5/m 5', undefined), {
    message: /^rate limit rule "all address 10\/s 20 boot project 5\/m 5": /,
    hint: 'In this file each rule needs a line that begins with `rules =`: an indented line continues the rule above it.',
  });
});
