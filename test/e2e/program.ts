/** Processes under test: started as an operator starts them, observed by their output, ended by pid. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { after } from 'node:test';
import { endGroup, spawnKept } from '../fixtures/keeper.js';
import { apiCli, emptyProject, type Outcome, root } from '../fixtures/project.js';

export { freePort } from '../fixtures/free-port.js';
export { apiCli, emptyProject, type Outcome, root };

/** Runs a command of `api-cli` until it exits. */
export function runApiCli(cwd: string, ...words: string[]): Promise<Outcome> {
  return new Promise((settle) => {
    execFile(process.execPath, [apiCli, ...words], { cwd }, (error, stdout, stderr) => {
      settle({ status: error === null ? 0 : (error.code as number), stdout, stderr });
    });
  });
}

/** Milliseconds in which a process prints what a test expects: less than a test may take, so that the failure shows the output. */
const PRINTED_MS = process.env.PORTICO_FAULTS === 'long' ? 600_000 : 80_000;

/** Lets a process show on its standard output what it shows on a terminal: the services that are ready. */
const IN_TERMINAL = `--require=${join(root, 'test', 'fixtures', 'terminal.cjs')}`;

/** The exit code or signal of a process. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running process and its output so far. */
export class Program {
  readonly child: ChildProcess;
  /** Settles when the process has exited and its whole output is read. */
  readonly ended: Promise<Ending>;
  stdout = '';
  stderr = '';
  readonly #watchers = new Set<() => void>();

  /** `terminal`: false for standard output that is seen as it is, a pipe. */
  constructor(
    command: string,
    args: readonly string[],
    { cwd = root, env: more = {}, terminal = true }: { cwd?: string; env?: NodeJS.ProcessEnv; terminal?: boolean } = {},
  ) {
    const env: NodeJS.ProcessEnv = { ...process.env, NODE_TEST_CONTEXT: undefined, ...more };
    if (terminal) env.NODE_OPTIONS = `${env.NODE_OPTIONS ?? ''} ${IN_TERMINAL}`.trim();
    this.child = spawnKept(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => this.#read('stdout', text));
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => this.#read('stderr', text));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      for (const watcher of this.#watchers) watcher();
      return { code: code as number | null, signal: signal as NodeJS.Signals | null };
    });
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Settles with the match once either stream contains it. Rejects if the process exits without it, or prints it too late. */
  async printed(pattern: RegExp, from = 0): Promise<RegExpExecArray> {
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      for (const watcher of this.#watchers) watcher();
    }, PRINTED_MS).unref();
    try {
      for (;;) {
        const match = pattern.exec(this.output().slice(from));
        if (match !== null) return match;
        const hasEnded = this.child.exitCode !== null || this.child.signalCode !== null;
        if (hasEnded || isLate) {
          const what = hasEnded ? 'ended without printing' : `has not printed in ${PRINTED_MS / 1000} s`;
          throw new Error(`the program ${what} ${pattern}:\n${this.output()}`);
        }
        await new Promise<void>((wake) => {
          const watcher = (): void => {
            this.#watchers.delete(watcher);
            wake();
          };
          this.#watchers.add(watcher);
        });
      }
    } finally {
      clearTimeout(limit);
    }
  }

  /** Settles with the port of the admin listener once all services are ready. */
  async adminPort(): Promise<number> {
    const [, port] = await this.printed(/"event":"admin","url":"http:\/\/[^"]+:(\d+)"/);
    await this.printed(/"event":"ready"/);
    return Number(port);
  }

  /** The output so far: standard output, then standard error. */
  output(): string {
    return `${this.stdout}\n${this.stderr}`;
  }

  kill(signal: NodeJS.Signals = 'SIGTERM'): void {
    this.child.kill(signal);
  }

  /** Sends SIGTERM, and demands that the process ends with 0. */
  async stop(): Promise<void> {
    this.kill();
    assert.deepEqual(await this.ended, { code: 0, signal: null }, this.output());
  }

  /** Kills the process and its workers, in any state; for clean-up at the end of a test. */
  async end(): Promise<Ending> {
    endGroup(this.pid);
    return this.ended;
  }

  #read(stream: 'stdout' | 'stderr', text: string): void {
    this[stream] += text;
    for (const watcher of this.#watchers) watcher();
  }
}

export function startApiCli(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; terminal?: boolean } = {},
): Program {
  return new Program(process.execPath, [apiCli, ...args], options);
}

/** A test, or the whole file, at whose end processes end. */
export interface UntilEnd {
  after(end: () => Promise<unknown>): unknown;
}

/** For processes that serve several tests. Call it outside of the tests. */
export function untilFileEnds(): UntilEnd {
  const ends: (() => unknown)[] = [];
  after(async () => {
    for (const end of ends) await end();
  });
  return { after: (end: () => unknown) => ends.push(end) };
}

/** Returns a function that starts something for the first test that asks, and gives it to the others too. */
export function startedOnce<T>(start: () => T): () => T {
  let started: { readonly it: T } | undefined;
  return () => {
    started ??= { it: start() };
    return started.it;
  };
}

/** Runs a module in a new project until the test ends. */
export function startModule(t: UntilEnd, code: string): Program {
  return startMain(t, emptyProject({ 'main.js': code }));
}

/** Runs `main.js` of a project until the test ends. */
export function startMain(t: UntilEnd, project: { readonly folder: string }): Program {
  return untilEnd(t, new Program(process.execPath, ['main.js'], { cwd: project.folder }));
}

/** Runs `api-cli` in a project until the test ends. */
export function startProject(
  t: UntilEnd,
  project: { readonly folder: string },
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Program {
  return untilEnd(t, startApiCli(args, { cwd: project.folder, env }));
}

/** Ends a process and its workers when the test ends. */
export function untilEnd(t: UntilEnd, program: Program): Program {
  t.after(() => program.end());
  return program;
}
