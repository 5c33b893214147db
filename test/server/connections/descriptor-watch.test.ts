/** A process without free file descriptors. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { root } from '../../e2e/program.js';

const MAIN = `
import { openSync } from 'node:fs';
import { createLogger } from 'portico';
import { Server } from 'portico/server';
const lines = [];
const log = createLogger({ format: 'json', destination: { write: (line) => lines.push(JSON.parse(line)) } });
const servers = ['few', 'other'].map((name) => new Server(name, () => {}, { log }));
for (const server of servers) await server.start();
const missed = () => servers.map(({ rejections }) => rejections.get('no descriptor') ?? 0);
const lacking = () => servers.map(({ connections }) => connections.lacksDescriptors);
const before = [lacking(), missed()];
try {
  for (;;) openSync('/dev/null');
} catch {}
while (missed().some((count) => count < 2)) await new Promise((resolve) => setTimeout(resolve, 100));
const said = lines.filter(({ level }) => level === 'warn').map(({ code, msg }) => code + ' ' + msg);
console.log(JSON.stringify({ before, after: lacking(), said, limits: servers.map(({ connections }) => connections.limit) }));
process.exit();
`;

test('each server counts that its process has no descriptor left, and the process tells it once a minute', (t) => {
  if (!existsSync('/proc/self/limits')) return t.skip('this system has no /proc');
  const words = ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, MAIN];
  const { before, after, said, limits } = JSON.parse(execFileSync('/bin/sh', words, { cwd: root, encoding: 'utf8' }));
  assert.deepEqual(before, [
    [false, false],
    [0, 0],
  ]);
  assert.deepEqual(after, [true, true]);
  // 64 descriptors are reserved.
  assert.deepEqual(limits, [36, 36]);
  const lowered = said.filter((line: string) => /max_connections is lowered.*: raise LimitNOFILE/.test(line));
  assert.equal(lowered.length, 2);
  assert.equal(said.length, 3);
  assert.match(said[2], /^EMFILE out of file descriptors: new connections are closed immediately\. Raise LimitNOFILE/);
});
