/**
 * The child in which a command validates a configuration, as a function: it gets the same message, validates with the same code, and responds with a
 * copy, without the start of a process. A process validates what ends in an error here, and code that has changed since it was imported.
 */
import child, { type ChildProcess, type SpawnOptions } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Config } from 'portico/config';
import { asTrial } from '#internal/config';
import type { Configure, ToWorker } from '../../dist/launch/worker-message.js';
import { root } from '../fixtures/project.js';

const { validateAll } = (await import(
  pathToFileURL(join(root, 'lib', 'cli', 'validate', 'validate-all.js')).href
)) as typeof import('../../dist/cli/validate/validate-all.js');

type Start = readonly [file: string, args: readonly string[], options: SpawnOptions];

class ValidatingChild extends EventEmitter {
  /** Those without a pid could not be started. */
  readonly pid = 2 ** 30;
  readonly stdio: unknown[] = [];
  connected = true;
  exitCode: number | null = null;
  signalCode: NodeJS.Signals | null = null;
  readonly #start: Start;
  readonly #whileValidating: (work: Promise<unknown>) => void;
  #process: ChildProcess | undefined;

  constructor(start: Start, whileValidating: (work: Promise<unknown>) => void) {
    super();
    this.#start = start;
    this.#whileValidating = whileValidating;
  }

  send(message: ToWorker): void {
    if (message.kind === 'configure') this.#whileValidating(this.#validate(structuredClone(message)));
    else this.#process?.send(message);
  }

  kill(signal?: NodeJS.Signals): boolean {
    return this.#process?.kill(signal) ?? false;
  }

  async #validate(first: Configure): Promise<void> {
    // It serves without words; others name groups.
    const found =
      first.builds === true && first.arguments?.length === 0 && isImportedAsItIs(String(this.#start[2].cwd))
        ? await Config.load({ argv: false, worker: first as never })
            .then((config) => asTrial(() => validateAll(config as never)))
            .catch(() => undefined)
        : undefined;
    if (found === undefined) return this.#startProcess(first);
    this.emit('message', { kind: 'built', diagnostics: structuredClone(found), portico: true });
    this.connected = false;
    this.exitCode = 0;
    this.emit('disconnect');
    this.emit('exit', 0, null);
    this.emit('close', 0, null);
  }

  #startProcess(first: Configure): void {
    const started = spawn(...this.#start);
    this.#process = started;
    for (const event of ['message', 'disconnect', 'exit', 'close', 'error']) {
      started.on(event, (...facts: unknown[]) => {
        Object.assign(this, {
          exitCode: started.exitCode,
          signalCode: started.signalCode,
          connected: started.connected,
        });
        this.emit(event, ...facts);
      });
    }
    Object.assign(this, { pid: started.pid });
    started.send(first);
  }
}

/** The code of each directory that was validated. */
const imported = new Map<string, string>();

/** Returns false if the code of a directory has changed since its modules were imported. */
function isImportedAsItIs(folder: string): boolean {
  const code = codeBelow(folder);
  if (!imported.has(folder)) imported.set(folder, code);
  return imported.get(folder) === code;
}

function codeBelow(folder: string): string {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(({ name }) => name !== 'node_modules');
  const texts = entries.map((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return codeBelow(path);
    return /\.[cm]?[jt]s$/.test(entry.name) ? `${path}\n${readFileSync(path, 'utf8')}` : '';
  });
  return texts.join('');
}

const { spawn } = child;

/** From now on, a worker process of this thread is a {@link ValidatingChild}. `whileValidating` gets the work of each. */
export function validateHere(whileValidating: (work: Promise<unknown>) => void): void {
  child.spawn = ((...start: Start) =>
    start[1].some((word) => word.endsWith('/worker-bootstrap.js'))
      ? new ValidatingChild(start, whileValidating)
      : spawn(...start)) as typeof spawn;
  syncBuiltinESMExports();
}
