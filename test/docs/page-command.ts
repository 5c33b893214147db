/**
 * Commands of `api-cli` in pages as functions of one thread: a page that asks ten things does not start ten processes. A line that is more
 * than a command, with a pipe, a file or a variable, stays a line of the shell, and so does a line that serves.
 */
import { isServing, printedBeside } from '../cli/command.js';

/** The words that a shell would make of a line of one simple command. Undefined for any other line. */
function plainWords(line: string): string[] | undefined {
  const words: string[] = [];
  for (const [word] of line.trim().matchAll(/\S*'[^']*'\S*|\S+/g)) {
    if (!/^(?:[\w./:=@,%+-]|'[^']*')+$/.test(word)) return undefined;
    words.push(word.replaceAll("'", ''));
  }
  return words;
}

/** Commands of one page. */
export class PageCommands {
  readonly #env: NodeJS.ProcessEnv;
  /** True after a command has run whose modules may still be loaded. */
  #ran = false;
  #stale = false;

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  /** Code of the page has changed, so that its modules are loaded again. */
  changed(): void {
    this.#stale = this.#ran;
  }

  /** Runs a line, and returns its status and its output on both streams. Undefined if a shell has to run it. */
  async run(line: string, cwd: string): Promise<{ readonly status: number; readonly output: string } | undefined> {
    const [first, second, ...rest] = plainWords(line) ?? [];
    const words = first === 'npx' && (second === 'api-cli' || second === 'portico') ? rest : undefined;
    if (words === undefined || isServing(words)) return undefined;
    const anew = this.#stale;
    this.#ran = true;
    this.#stale = false;
    return printedBeside(words, { cwd, env: this.#env, anew });
  }
}
