/** The thread of `command.ts`: runs one command of `api-cli` after another. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type MessagePort, workerData } from 'node:worker_threads';
import { apiCli, root } from '../fixtures/project.js';
import { validateHere } from './validating-child.js';

const { port, done } = workerData as { port: MessagePort; done: Int32Array };
const { begin } = (await import(
  pathToFileURL(join(root, 'lib', 'cli', 'begin.js')).href
)) as typeof import('../../dist/cli/begin.js');

const printed = { stdout: '', stderr: '', output: '' };
/** True while a command validates: what applications print is not its output. */
let validates = false;
validateHere((work) => {
  validates = true;
  void work.finally(() => {
    validates = false;
  });
});
for (const name of ['stdout', 'stderr'] as const) {
  process[name].write = ((text: string | Uint8Array, ...rest: unknown[]) => {
    const part = typeof text === 'string' ? text : Buffer.from(text).toString();
    if (!validates) {
      printed[name] += part;
      printed.output += part;
    }
    // With an empty text, a command ends its process soon.
    const written = rest.find((each) => typeof each === 'function') as (() => void) | undefined;
    if (text !== '' && written !== undefined) process.nextTick(written);
    return true;
  }) as typeof process.stdout.write;
}
// That of a thread writes to the thread that began it.
const { Console } = console;
const env = { ...process.env };

port.on('message', (asked: Asked) => void run(asked));

interface Asked {
  readonly serial: number;
  readonly words: string[];
  readonly env: NodeJS.ProcessEnv;
}

/** The number of the command that runs. */
let present = 0;

async function run({ serial, words, env: more }: Asked): Promise<void> {
  present = serial;
  Object.assign(printed, { stdout: '', stderr: '', output: '' });
  globalThis.console = new Console(process.stdout, process.stderr);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  for (const [name, value] of Object.entries(more)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  process.argv = [process.execPath, apiCli, ...words];
  process.exitCode = undefined;
  process.stdout.removeAllListeners('error');
  try {
    await begin(words, (() => undefined) as never);
    answer(false);
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? '') : String(error);
    printed.stderr += text;
    printed.output += text;
    process.exitCode = 1;
    answer(false);
  }
}

process.on('exit', () => answer(true));

function answer(ended: boolean): void {
  port.postMessage({ outcome: { status: Number(process.exitCode ?? 0), ...printed }, ended });
  Atomics.store(done, 0, present);
  Atomics.notify(done, 0);
}
