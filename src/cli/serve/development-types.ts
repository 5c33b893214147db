/**
 * `--dev`: checks the types of an application in TypeScript beside the service, with the compiler that the application has installed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { ignoreErrors } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { printable } from '../../text/index.js';

/** Number of errors that are shown: the first ones cause others. */
const SHOWN = 3;

/** A file, line and column, the number of the error, and its text, as `tsc --pretty false` prints them. */
const ERROR = /^(.+)\((\d+),(\d+)\): error (TS\d+): (.+)$/gm;

/** Types do not hold up a service: Node strips them, so an error in them is only reported. */
export class DevelopmentTypes {
  readonly #compiler: string;
  readonly #log: Logger;
  #running: ChildProcess | undefined;
  #failed = false;

  private constructor(compiler: string, log: Logger) {
    this.#compiler = compiler;
    this.#log = log;
    process.once('exit', () => this.#running?.kill());
  }

  /** Returns undefined for a folder without a `tsconfig.json`, or without a compiler. */
  static in(folder: string, log: Logger): DevelopmentTypes | undefined {
    if (!existsSync(join(folder, 'tsconfig.json'))) return undefined;
    const compiler = ignoreErrors(() => compilerOf(folder));
    return compiler === undefined ? undefined : new DevelopmentTypes(compiler, log);
  }

  /** Checks all files; ends the check of older ones. */
  check(): void {
    this.#running?.kill();
    const child = spawn(process.execPath, [this.#compiler, '--noEmit', '--pretty', 'false'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#running = child;
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    child.on('error', () => undefined);
    child.once('close', (_code, signal) => {
      if (this.#running !== child) return;
      this.#running = undefined;
      if (signal === null) this.#tell(said);
    });
    // A check keeps no stopped service.
    child.unref();
  }

  #tell(said: string): void {
    const errors = [...said.matchAll(ERROR)].map(
      ([, file, line, column, number, text]) => `types: ${file}:${line}:${column}: ${text} (${number})`,
    );
    for (const error of errors.slice(0, SHOWN)) this.#log.warn(printable(error));
    if (errors.length > SHOWN) this.#log.warn(`types: ${errors.length - SHOWN} more errors: npx tsc --noEmit`);
    if (errors.length === 0 && this.#failed) this.#log.notice('types: no errors any more');
    this.#failed = errors.length > 0;
  }
}

/** Returns the path of the compiler's script. Throws if it is not installed. */
function compilerOf(folder: string): string {
  const manifest = createRequire(join(resolve(folder), 'package.json')).resolve('typescript/package.json');
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8')) as { readonly bin: { readonly tsc: string } };
  return join(dirname(manifest), bin.tsc);
}
