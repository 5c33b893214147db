import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { temporaryFolder } from '../fixtures/keeper.js';

const script = fileURLToPath(new URL('../../test/peers/run.mjs', import.meta.url));

/** Creates a suite in the place of Koa's. */
function folder(tests: string): string {
  const place = temporaryFolder('portico-peers-test-');
  mkdirSync(join(place, 'koa', 'node_modules'), { recursive: true });
  mkdirSync(join(place, 'koa', '__tests__'));
  writeFileSync(
    join(place, 'koa', '__tests__', 'one.test.js'),
    `const assert = require('node:assert');
    const http = require('node:http');
    const { describe, test } = require('node:test');
    const { once } = require('node:events');
    async function ask(path, host = 'x') {
      const server = http.createServer((req, res) => res.end(req.url)).listen(0);
      const asked = http.get({ port: server.address().port, path, headers: { host } });
      const [res] = await once(asked, 'response');
      const text = (await res.toArray()).join('');
      await new Promise((done) => server.close(done));
      return res.statusCode + ' ' + text;
    }
    ${tests}`,
  );
  return place;
}

/** Runs the script without NODE_TEST_CONTEXT, because Node's runner does not run tests within tests. */
function run(place: string) {
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return spawnSync(process.execPath, [script, place, 'koa'], { encoding: 'utf8', env });
}

test("a test that passes on Node's server alone is named with its message, and the status is 1", () => {
  const { status, stdout } = run(
    folder(`describe('asks', () => { test('for dots', async () => assert.equal(await ask('/../a'), '200 /../a')); });`),
  );
  assert.match(stdout, /DIFFERS {2}__tests__\/one\.test\.js: asks for dots\n +'400 .*The path has a dot segment/);
  assert.equal(status, 1);
});

test('a suite that is not there is said, and the status is 1 where it was named', () => {
  const place = temporaryFolder('portico-peers-test-');
  const { status, stdout } = run(place);
  assert.match(stdout, /== koa: no checkout with node_modules/);
  assert.equal(status, 1);
});
