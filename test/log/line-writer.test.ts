/** When lines of the log leave the process, and that none is lost when it ends. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryFolder } from '../fixtures/keeper.js';

const LIB = new URL('../../lib/index.js', import.meta.url).href;

/** Begins each program: `writes` has what was given to the system, `log` writes to standard error or to the file named. */
const BEGIN = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const writes = [];
const { writeSync } = fs;
fs.writeSync = (descriptor, bytes, ...rest) => {
  writes.push(String(bytes).split('\\n').filter(Boolean).map((line) => JSON.parse(line).msg));
  return writeSync(descriptor, bytes, ...rest);
};
syncBuiltinESMExports();
const { createLogger } = await import('${LIB}');
const file = process.argv[2];
const log = createLogger(file === undefined ? {} : { file });
log.info('first');
await new Promise((resolve) => setImmediate(resolve));
writes.length = 0;
`;

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  /** The messages of the log; what is no line of it stays as it is. */
  readonly messages: readonly string[];
}

function run(program: string, toFile = false): Ended {
  const folder = temporaryFolder('portico-lines-');
  const [path, file] = [join(folder, 'program.mjs'), join(folder, 'log')];
  writeFileSync(path, BEGIN + program);
  const args = toFile ? [path, file] : [path];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const text = toFile ? readFileSync(file, 'utf8') : stderr;
  const messages = text
    .split('\n')
    .map((line) => (line.startsWith('{') ? (JSON.parse(line) as { msg: string }).msg : line));
  return { status, stdout, messages: messages.filter((line) => line !== '' && line !== 'first') };
}

for (const toFile of [false, true]) {
  const where = toFile ? 'a log file' : 'standard error';

  test(`lines of one turn go to ${where} in one write when it ends`, () => {
    const { stdout, messages } = run(
      `log.info('a');
      await undefined;
      log.child({ part: 'x' }).debug('not of this level');
      log.child({ part: 'x' }).notice('b');
      console.log(writes.length);
      setImmediate(() => {
        console.log(JSON.stringify(writes));
        log.info('c');
        setImmediate(() => console.log(JSON.stringify(writes)));
      });`,
      toFile,
    );
    assert.deepEqual(stdout.split('\n').slice(0, 3), ['0', '[["a","b"]]', '[["a","b"],["c"]]']);
    assert.deepEqual(messages, ['a', 'b', 'c']);
  });

  test(`a warning and an error go to ${where} at once, behind the lines before them`, () => {
    const { stdout } = run(
      `log.info('a');
      log.warn('b');
      console.log(JSON.stringify(writes));
      log.info('c');
      log.child({}).error('d');
      console.log(JSON.stringify(writes));`,
      toFile,
    );
    assert.equal(stdout, '[["a","b"]]\n[["a","b"],["c","d"]]\n');
  });

  const ends: Record<string, [program: string, status: number]> = {
    'it calls process.exit': [`log.info('a'); log.info('b'); process.exit(3);`, 3],
    'nothing is left to do': [`log.info('a'); log.info('b');`, 0],
    'a promise is rejected': [`log.info('a'); log.info('b'); Promise.reject(new Error('x'));`, 1],
    'SIGTERM comes': [
      `process.once('SIGTERM', () => { log.info('b'); process.exit(4); });
      setInterval(() => undefined, 1000);
      log.info('a');
      process.kill(process.pid, 'SIGTERM');`,
      4,
    ],
    'listeners of its end write lines too': [
      `process.on('exit', () => log.info('b'));
      log.info('a');
      process.exit(0);`,
      0,
    ],
  };
  for (const [how, [program, expected]] of Object.entries(ends)) {
    test(`nothing is lost in ${where} when the process ends because ${how}`, () => {
      const { status, messages } = run(program, toFile);
      assert.deepEqual([status, messages.slice(0, 2)], [expected, ['a', 'b']]);
    });
  }
}

test('what Node prints of an uncaught exception comes behind the lines before it', () => {
  const { status, messages } = run(`log.info('a'); log.info('b'); throw new Error('unexpected');`);
  assert.equal(status, 1);
  assert.deepEqual(messages.slice(0, 2), ['a', 'b']);
  assert.ok(messages.some((line) => line.includes('Error: unexpected')));
});

test('lines of several loggers keep their order', () => {
  const { messages } = run(
    `const other = createLogger();
    log.info('1'); other.info('2'); log.info('3'); other.error('4'); log.info('5');`,
  );
  assert.deepEqual(messages, ['1', '2', '3', '4', '5']);
});

test('a turn of many lines leaves in writes of whole lines that a pipe takes in one piece', () => {
  const { stdout, messages } = run(
    `for (let at = 0; at < 100; at++) log.info(String(at), { filler: 'x'.repeat(100) });
    setImmediate(() => console.log(writes.length));`,
  );
  assert.deepEqual(messages, [...Array(100).keys()].map(String));
  const writes = Number(stdout);
  assert.ok(writes > 2 && writes < 20, stdout);
});
