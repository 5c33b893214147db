/** Tests the lines of requests, which are written in batches. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { emptyProject, Program } from '../e2e/program.js';

const PROGRAM = `
import { createServer, get } from 'node:http';
import { createLogger } from 'portico';
import { environ } from 'portico/app';
import { requestLog } from 'portico/middleware';
import { buildFilter } from 'portico/testing';

let moment = {};
const log = createLogger({ file: 'all.log', base: { name: 'prögram' }, facts: () => moment });
const { made } = await buildFilter(requestLog, { log: log.child({ section: 'request_log' }) });
let ended = 0;
const app = made((req, res) => {
  environ(req).globalRequestId = 'a"\\u009b\\u00e9';
  moment = { tenant: 'blue', status: 0, nothing: undefined };
  res.once('close', () => {
    // Behind the listener of the filter, in the turn in which it has written its line.
    if (++ended === 15) log.warn({ ended }, 'between');
    if (ended === 30) process.exit(0);
  });
  res.end('hello');
});
const server = createServer(app).listen(0, '127.0.0.1', () => {
  for (let each = 0; each < 30; each++) get({ port: server.address().port, path: '/' + each }, (res) => res.resume());
});
`;

test('MW-16 the lines of requests stand before what is logged after them, and none is lost when the process exits', async () => {
  const project = emptyProject({ 'program.mjs': PROGRAM });
  const program = new Program(process.execPath, ['program.mjs'], { cwd: project.folder });
  assert.equal((await program.ended).code, 0, program.output());
  const lines = readFileSync(join(project.folder, 'all.log'), 'utf8').trimEnd().split('\n');
  const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(read.length, 31);
  assert.equal(
    read.findIndex(({ msg }) => msg === 'between'),
    15,
  );
  const { time, pid, duration_ms: ms, target, ...facts } = read[0]!;
  assert.deepEqual(facts, {
    level: 'info',
    name: 'prögram',
    section: 'request_log',
    tenant: 'blue',
    remote: '127.0.0.1',
    method: 'GET',
    protocol: 'HTTP/1.1',
    request_id: '-',
    global_request_id: 'a"\u009bé',
    route: '-',
    status: 200,
    bytes: 5,
    msg: 'request',
  });
  assert.ok(String(target).startsWith('/') && Number(ms) >= 0 && typeof pid === 'number');
  assert.ok(!Number.isNaN(Date.parse(String(time))));
  assert.ok(
    lines.every((line) => !line.includes('\u009b')),
    'what a terminal would obey is escaped',
  );
});
