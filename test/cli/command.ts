/**
 * Commands of `api-cli` as functions: the output and the status of a command, without a process for each. They run in a thread, which loads
 * its modules once. A command that serves, or whose process matters, is a process: `runApiCli` of `e2e/program.ts`.
 */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { commandFirst } from '../../dist/cli/command-line.js';
import { COMMANDS } from '../../dist/cli/commands.js';
import type { Outcome } from '../fixtures/project.js';

/** Milliseconds after which a command has failed. */
const LONGEST_MS = 60_000;

let thread: ReturnType<typeof startThread> | undefined;
/** The number of commands so far. The thread stores that of a command when its outcome is sent. */
let asked = 0;

function startThread() {
  const { port1: port, port2: there } = new MessageChannel();
  const done = new Int32Array(new SharedArrayBuffer(4));
  const workerData = { port: there, done };
  const worker = new Worker(new URL('./command-thread.js', import.meta.url), { workerData, transferList: [there] });
  worker.unref();
  return { worker, port, done };
}

/** Returns true if a command line serves, as it does without a command. */
export function isServing(words: readonly string[]): boolean {
  const [first = '-'] = commandFirst(words, (word) => COMMANDS.has(word));
  return first.startsWith('-') || first === 'serve';
}

interface Place {
  readonly cwd: string;
  /** Environment variables besides those of the test. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** In a new thread, so that the modules of the directory are loaded again. */
  readonly anew?: boolean;
}

/** Runs a command, and waits: nothing else happens in the process of the test. */
export function command(words: readonly string[], place: Place): Outcome {
  const { port, done } = threadFor(place);
  return inFolder(place.cwd, () => {
    const serial = ++asked;
    port.postMessage({ serial, words, env: place.env ?? {} });
    // The thread may still be about to store that of the command before, whose outcome has come.
    for (let stored = Atomics.load(done, 0); stored !== serial; stored = Atomics.load(done, 0))
      if (Atomics.wait(done, 0, stored, LONGEST_MS) === 'timed-out') break;
    const answer = receiveMessageOnPort(port)?.message as Answer | undefined;
    if (answer === undefined || answer.ended) endThread();
    if (answer === undefined) throw new Error(`api-cli ${words.join(' ')} did not end`);
    return streamsOf(answer.outcome);
  });
}

let last: Promise<unknown> = Promise.resolve();

/** Runs a command while the services of the test respond to it: one command at a time. */
export async function commandBeside(words: readonly string[], place: Place): Promise<Outcome> {
  return streamsOf(await printedBeside(words, place));
}

function streamsOf({ status, stdout, stderr }: PrintedOutcome): Outcome {
  return { status, stdout, stderr };
}

/** Runs a command as {@link commandBeside}, and keeps the order of its output on both streams. */
export function printedBeside(words: readonly string[], place: Place): Promise<PrintedOutcome> {
  const outcome = last.then(async () => {
    const { port } = threadFor(place);
    const before = process.cwd();
    process.chdir(place.cwd);
    try {
      port.postMessage({ serial: ++asked, words, env: place.env ?? {} });
      const answer = await new Promise<Answer>((resolve) => port.once('message', resolve));
      if (answer.ended) endThread();
      return answer.outcome;
    } finally {
      process.chdir(before);
    }
  });
  last = outcome.catch(() => undefined);
  return outcome;
}

/** Outcome of a command with the text of both streams in the order of its writes. */
interface PrintedOutcome extends Outcome {
  readonly output: string;
}

interface Answer {
  readonly outcome: PrintedOutcome;
  /** The command has ended the thread. */
  readonly ended: boolean;
}

function threadFor({ anew = false }: Place) {
  if (anew) endThread();
  thread ??= startThread();
  return thread;
}

/** A thread has the directory of its process. */
function inFolder<T>(folder: string, work: () => T): T {
  const before = process.cwd();
  process.chdir(folder);
  try {
    return work();
  } finally {
    process.chdir(before);
  }
}

function endThread(): void {
  void thread?.worker.terminate();
  thread?.port.close();
  thread = undefined;
}
