/** `api-cli plan --replay`: the requests of an access log, through both states. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { FILES, type Repository, repository } from '../plan/project.js';
import { command } from './command.js';

const line = (method: string, target: string, status: number, agent: string): string =>
  `192.0.2.7 - - [30/Nov/2026:10:00:00 +0000] "${method} ${target} HTTP/1.1" ${status} 84 "-" "${agent}"`;

let project: Repository;
before(() => {
  project = repository({
    ...FILES,
    'app.js': `import { writeFileSync } from 'node:fs';\n${FILES['app.js']!.replace('show: () => ({}),', "show: () => writeFileSync('called', ''),")}`,
  });
  project.edit(
    'app.js',
    "  router.connect('/rooms/{id}', { controller: 'rooms', action: 'show', conditions: { method: ['GET'] } });\n",
    '',
  );
  project.edit('app.js', 'index: action({', "index: action({ query: { type: 'object', required: ['limit'] },");
  const lines = [
    ...Array.from({ length: 5 }, (_, at) => line('GET', `/v1/rooms/${at}`, 200, `curl/8.${at % 2}`)),
    line('GET', '/v1/rooms', 200, 'Mozilla/5.0'),
    line('GET', '/v1/rooms?access_token=c2VjcmV0', 200, 'Mozilla/5.0'),
    line('GET', '/v1/rooms?limit=1', 200, 'Mozilla/5.0'),
    line('POST', '/v1/bookings', 201, '-'),
    line('GET', '/v2/x', 404, '-'),
    JSON.stringify({ service: 'bookings', method: 'GET', target: '/v1/rooms', status: 200, user_agent: 'probe' }),
    JSON.stringify({ service: 'other', method: 'GET', target: '/v1/rooms', status: 200 }),
    'no request',
  ];
  writeFileSync(join(project.folder, 'node_modules', 'access.log'), `${lines.join('\n')}\n`);
});

const plan = (...words: string[]) =>
  command(['plan', 'main', '--replay', 'node_modules/access.log', ...words], { cwd: project.folder });

test('--replay counts requests whose status or route would differ, and calls nothing', () => {
  const { status, stdout, stderr } = plan('--json');
  assert.equal(stderr, '');
  assert.equal(status, 3);
  const { replay } = JSON.parse(stdout);
  const { routes, ...sums } = replay;
  assert.deepEqual(sums, {
    lines: 13,
    requests: 12,
    skipped: 1,
    unknownApi: 1,
    unknownBody: 1,
    unanswered: 0,
    changed: 8,
  });
  const [removed, narrower] = routes;
  assert.deepEqual([removed.method, removed.route, removed.requests], ['GET', '/v1/rooms/{id}', 5]);
  const [change] = removed.changes;
  assert.deepEqual([change.before.action, change.after.status, change.requests], ['rooms.show', 404, 5]);
  const targets = change.examples.map(({ target }: { target: string }) => target);
  assert.deepEqual(targets, ['/v1/rooms/0', '/v1/rooms/1', '/v1/rooms/2']);
  assert.deepEqual(change.userAgents, ['curl/8.0', 'curl/8.1']);
  assert.deepEqual([narrower.route, narrower.requests], ['/v1/rooms', 4]);
  const [refused] = narrower.changes;
  assert.deepEqual(
    [refused.after.status, refused.after.issues, refused.requests],
    [400, [{ value: ['query', 'limit'], text: 'query.limit is required' }], 3],
  );
  assert.equal(existsSync(join(project.folder, 'called')), false);
});

test('--replay: the third column of a route, the examples, and what the log does not tell', () => {
  const { stdout } = plan();
  assert.match(stdout, /- GET \/v1\/rooms\/\{id\} +removed +5 of 5 requests would get 404/);
  assert.match(
    stdout,
    /GET \/v1\/rooms +3 of 4 would get 400 \(query\.limit is required\) +\/v1\/rooms \/v1\/rooms\?access_token=\*\*\*\* +Mozilla\/5\.0, probe/,
  );
  assert.ok(!stdout.includes('c2VjcmV0'));
  assert.match(stdout, /requests whose body the log does not have, so that its schema is not checked: 1\n/);
  assert.match(stdout, /8 of 12 requests in 13 lines would get another response/);
});

test('plan --replay: refused requests that succeeded break clients, beside the difference that says so or by themselves', () => {
  const ticketed = repository();
  const filter = '[filter:read_only]\npaste.filter_factory = portico/middleware:readOnly\nenabled = true\n\n';
  ticketed.edit('api-paste.ini', '[app:health]', `${filter}[app:health]`);
  ticketed.edit('api-paste.ini', 'request_id sizelimit', 'request_id read_only sizelimit');
  const lines = [
    line('POST', '/v1/bookings', 201, '-'),
    line('POST', '/v1/bookings', 201, '-'),
    line('POST', '/v1/bookings', 400, '-'),
    line('GET', '/v1/rooms', 200, '-'),
  ];
  const log = join(ticketed.folder, 'node_modules', 'access.log');
  writeFileSync(log, `${lines.join('\n')}\n`);
  const replayed = (...words: string[]) =>
    command(['plan', 'main', '--replay', log, ...words], { cwd: ticketed.folder });
  const refused = replayed();
  assert.equal(refused.status, 3, refused.stdout);
  assert.match(refused.stdout, /^Breaking\n {2}~ POST \/v1\/bookings +3 of 3 requests would get 405\nTo look at\n/);
  const { differences, counts, replay } = JSON.parse(replayed('--json').stdout);
  assert.deepEqual([differences[0].rule, counts.breaking], ['replay-refused', 1]);
  assert.deepEqual([replay.routes[0].changes[0].requests, replay.routes[0].changes[0].refused], [3, 2]);

  // A log without a success has nothing to break.
  writeFileSync(log, `${line('POST', '/v1/bookings', 409, '-')}\n`);
  const harmless = replayed();
  assert.deepEqual([harmless.status, /would get 405/.test(harmless.stdout)], [0, true]);

  // Other differences of the route are not the reason.
  ticketed.edit('api-paste.ini', 'request_id read_only sizelimit', 'request_id sizelimit');
  ticketed.edit(
    'app.js',
    'index: action({',
    "index: action({ query: { type: 'object', properties: { limit: {} }, required: ['limit'] }, deprecated: true,",
  );
  writeFileSync(log, `${line('GET', '/v1/rooms', 200, '-')}\n`);
  const { status, stdout } = replayed();
  assert.equal(status, 3);
  assert.match(stdout, /query\.limit is new and required +1 of 1 requests would get 400 \(query\.limit is required\)/);
  assert.match(stdout, /is deprecated +app\.js/);
  assert.match(stdout, /\n1 breaking, 2 to look at · exit status 3\n/);
});

test('plan --replay: a file in which no line is a request is refused; an empty one is not', () => {
  const zipped = join('node_modules', 'access.log.gz');
  const log = readFileSync(join(project.folder, 'node_modules', 'access.log'));
  writeFileSync(join(project.folder, zipped), gzipSync(log));
  writeFileSync(join(project.folder, 'node_modules', 'empty.log'), '');
  const replayed = (file: string) => command(['plan', 'main', '--replay', file], { cwd: project.folder });
  const { status, stdout, stderr } = replayed(zipped);
  const [said, hint] = stderr.split('\n');
  assert.equal(said, `no line of ${zipped} is one of request_log or of the combined format`);
  assert.match(hint!, /compressed/);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(replayed(join('node_modules', 'empty.log')).stdout, /0 of 0 requests in 0 lines/);
});

test('plan --replay --markdown: the counts beside the differences, and the table of the replay', () => {
  const { stdout } = plan('--markdown');
  assert.match(stdout, /\| `GET \/v1\/rooms\/\{id\}` \| removed \| 5 of 5 requests would get 404 \|/);
  assert.match(
    stdout,
    /\n\n\*\*Replay\*\*\n\n\| \| \| \| \|\n\| --- \| --- \| --- \| --- \|\n\| `GET \/v1\/rooms\/\{id\}` \| 5 of 5 would get 404 \| `\/v1\/rooms\/0` `\/v1\/rooms\/1` `\/v1\/rooms\/2` \| curl\/8\.0, curl\/8\.1 \|\n/,
  );
  assert.match(
    stdout,
    /\n\n- requests whose body .*: 1\n[\s\S]*\n- 8 of 12 requests in 13 lines would get another response\n$/,
  );
});

test('--api that neither state has is refused with the nearest name', () => {
  const { status, stdout, stderr } = plan('--api', 'booking');
  assert.deepEqual([status, stdout], [2, '']);
  assert.equal(stderr, 'neither state has an API called "booking"\n  Did you mean "bookings"?\n');
});

test('--replay of a file that is not there, and of a directory, is refused before a state is built', () => {
  for (const path of ['none.log', 'node_modules']) {
    const { status, stdout, stderr } = command(['plan', 'no-state', '--replay', path], { cwd: project.folder });
    assert.deepEqual([status, stdout], [2, '']);
    assert.ok(stderr.startsWith(`there is no file ${path}\n`), stderr);
  }
});

test('--replay: a filter that holds requests is counted, and costs one wait for thousands of them', () => {
  const holding = repository();
  holding.edit('app.js', 'export async', 'export const hold = () => () => () => {};\nexport async');
  holding.edit('api-paste.ini', 'request_id sizelimit', 'request_id hold sizelimit');
  holding.edit('api-paste.ini', '[app:health]', '[filter:hold]\npaste.filter_factory = ./app.js:hold\n\n[app:health]');
  const lines = Array.from({ length: 5000 }, (_, at) => line('GET', `/v1/rooms/${at}`, 200, 'curl/8.5'));
  writeFileSync(join(holding.folder, 'node_modules', 'access.log'), `${lines.join('\n')}\n`);
  const words = ['plan', 'main', '--replay', 'node_modules/access.log', '--json'];
  const { stdout, stderr } = command(words, { cwd: holding.folder });
  assert.equal(stderr, '');
  const { requests, unanswered, changed } = JSON.parse(stdout).replay;
  assert.deepEqual({ requests, unanswered, changed }, { requests: 5000, unanswered: 5000, changed: 0 });
});
