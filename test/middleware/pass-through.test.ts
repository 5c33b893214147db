import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import { Loader } from 'portico/loader';
import { request } from 'portico/testing';
import { closedAfter } from '../fixtures/closed-after.js';
import { folderOf } from '../loader/folder.js';

test('pass_through passes requests on, and its line names its section once', async (t) => {
  const folder = folderOf({
    'api-paste.ini': `
[pipeline:main]
pipeline = profiler echo
[filter:profiler]
paste.filter_factory = osprofiler.web:WsgiMiddleware.factory
hmac_keys = any
[app:echo]
paste.app_factory = portico/middleware:echo
`,
  });
  const lines: string[] = [];
  const log = pino(new Writable({ write: (line, _encoding, next) => next(void lines.push(String(line))) }));
  const app = closedAfter(t, await new Loader(join(folder, 'api-paste.ini'), { log }).loadApp());
  assert.equal((await request(app, 'GET', '/')).status, 200);
  assert.equal(lines.length, 1);
  assert.deepEqual(lines[0]!.match(/"section":"\w+"/g), ['"section":"profiler"']);
});
