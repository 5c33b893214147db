// Runs test files one after another in one process. Each is a suite with the name of its file; its hooks belong to it alone, and so do the
// processes and directories that it leaves behind.
import child from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { after, afterEach, beforeEach, describe, mock, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Not one that a test has replaced. */
const { setTimeout, clearTimeout } = globalThis;
/** The directory of a run, where run.mjs reads what each file has taken. */
const { PORTICO_TEST_SHARED: shared } = process.env;

const compiled = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist-test');
/** Milliseconds after which a file has failed, so that the others run. */
const FILE_MS = 400_000;
/** Milliseconds after which a test that has not ended ends its file. */
const TEST_MS = 90_000;
/** Milliseconds in which connections and timers end after the last file. */
const END_MS = 5000;
/** The same of a file that starts processes. */
const PROCESSES_END_MS = 60_000;

/** The file that runs, and what it did that a file beside others must not do. */
let current = '';
let faults = new Set();

/** Runs files, which are paths below `dist-test`. Only `fast` ones must not start a process. `atOnce` tests of a file run at the same time. */
export async function together(files, { fast = true, testMs = TEST_MS, fileMs = FILE_MS, atOnce = 1 } = {}) {
  if (fast) refuseProcesses();
  const { endAllKept } = fast ? {} : await import(pathToFileURL(join(compiled, 'fixtures', 'keeper.js')).href);
  // A test that waits for something that never comes would end the process; so its file fails, and the others run.
  const awake = setInterval(() => undefined, END_MS);
  let waiting = files.length;
  process.on('exit', () => {
    if (waiting === 0) return;
    console.error(`${current} ended the process. Files after it that did not run: ${waiting - 1}`);
    process.exitCode = 1;
  });
  const atStart = process.getActiveResourcesInfo();
  const open = [];
  let taken = 0;
  for (const file of files) {
    current = file.replace(/\.js$/, '.ts');
    faults = new Set();
    const env = { ...process.env };
    const folder = process.cwd();
    await suite(current, pathToFileURL(join(compiled, file)).href, { fileMs, testMs, atOnce, endAllKept });
    if (process.cwd() !== folder) process.chdir(folder);
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    mock.reset();
    for (const fault of faults) {
      await test(`${current} ${fault}`, () => Promise.reject(new Error(`${current} ${fault}`)));
    }
    open.push(process.getActiveResourcesInfo());
    const seconds = cpuSeconds();
    if (shared !== undefined) appendFileSync(join(shared, 'cpu'), `${current} ${(seconds - taken).toFixed(2)}\n`);
    taken = seconds;
    waiting--;
  }
  clearInterval(awake);
  // If nothing is open, the process ends before.
  setTimeout(
    () => {
      for (const kind of new Set(process.getActiveResourcesInfo())) {
        if (atStart.includes(kind)) continue;
        const from = files[open.findLastIndex((kinds) => !kinds.includes(kind)) + 1];
        console.error(`a ${kind} keeps the process from ending; it is probably of ${from}`);
      }
      process.exit(1);
    },
    fast ? END_MS : PROCESSES_END_MS,
  ).unref();
}

/** Returns the CPU time of this process, and on Linux of its children that have ended: proc_pid_stat(5). */
function cpuSeconds() {
  const { user, system } = process.cpuUsage();
  let children = 0;
  if (process.platform === 'linux') {
    const [, numbers] = /\) (.*)/s.exec(readFileSync('/proc/self/stat', 'utf8'));
    const [ofUser, ofSystem] = numbers.split(' ').slice(13, 15).map(Number);
    children = (ofUser + ofSystem) / 100;
  }
  return (user + system) / 1e6 + children;
}

/** Runs a file as a suite. Some Node versions do not wait for the end of a suite that they are asked to wait for. */
async function suite(name, url, { fileMs, testMs, atOnce, endAllKept }) {
  const hanging = new AbortController();
  const limits = new Map();
  await new Promise((resolve) => {
    limits.set(undefined, setTimeout(resolve, fileMs + END_MS));
    hanging.signal.addEventListener('abort', () => setTimeout(resolve, END_MS));
    describe(name, { timeout: fileMs, signal: hanging.signal, concurrency: atOnce }, async () => {
      beforeEach((t) => {
        const hangs = () => {
          faults.add(`hangs: "${t.name}" has not ended after ${testMs / 1000} s`);
          hanging.abort();
        };
        limits.set(t.name, setTimeout(hangs, testMs));
      });
      afterEach((t) => clearTimeout(limits.get(t.name)));
      after(resolve);
      await import(url);
      // After the hooks of the file.
      if (endAllKept !== undefined) after(endAllKept);
    });
  });
  for (const limit of limits.values()) clearTimeout(limit);
}

/** Makes each start of a process an error, which says where the test belongs. */
function refuseProcesses() {
  const refuse = (command) => {
    const fault = `starts a process (${command}); such tests belong in a file that imports node:child_process or a fixture that does`;
    faults.add(fault);
    throw new Error(`${current} ${fault}`);
  };
  child.ChildProcess.prototype.spawn = ({ args, file }) => refuse((args ?? [file]).slice(0, 4).join(' '));
  for (const name of ['spawnSync', 'execSync', 'execFileSync']) {
    child[name] = (command, args) => refuse([command, ...(Array.isArray(args) ? args.slice(0, 3) : [])].join(' '));
  }
  syncBuiltinESMExports();
}
