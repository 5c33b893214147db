/** A process that has no descriptor left. */
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
const server = new Server('few', () => {}, { log });
await server.start();
const before = [server.lacksDescriptors, server.rejections.get('no descriptor') ?? 0];
try {
  for (;;) openSync('/dev/null');
} catch {}
while ((server.rejections.get('no descriptor') ?? 0) < 2) await new Promise((resolve) => setTimeout(resolve, 100));
const said = lines.filter(({ level }) => level === 'warn').map(({ code, msg }) => code + ' ' + msg);
console.log(JSON.stringify({ before, after: server.lacksDescriptors, said }));
process.exit();
`;

test('a server counts and tells, once a minute, that its process has no descriptor left', (t) => {
  if (!existsSync('/proc/self/limits')) return t.skip('this system has no /proc');
  const words = ['-c', 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, MAIN];
  const { before, after, said } = JSON.parse(execFileSync('/bin/sh', words, { cwd: root, encoding: 'utf8' }));
  assert.deepEqual([before, after], [[false, 0], true]);
  assert.equal(said.length, 1);
  assert.match(said[0], /^EMFILE no descriptor is left: new connections are closed at once\. Raise LimitNOFILE/);
});
