/**
 * `--dev`: the files that a service rests on, its application's own modules included, are watched, and a change in one of
 * them starts its worker anew.
 */
import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import type { Config } from '../config/index.js';
import { watchFiles } from '../config/internal.js';
import { ignoreErrors } from '../errors/index.js';
import type { ProcessLauncher } from '../launch/index.js';
import type { Logger } from '../log/index.js';
import { programPaths } from '../process/index.js';

const TOPIC = 'portico.development.modules';

/** An editor writes a file in several steps, and a formatter a second time. */
const QUIET_MS = 100;

/** In a worker: answers {@link DevelopmentFiles}. */
export function answerModules(launcher: ProcessLauncher): void {
  launcher.answer(TOPIC, programPaths);
}

/** The parent's watch. Only other bytes count; a file that is gone counts once it is there again. */
export class DevelopmentFiles {
  readonly #launcher: ProcessLauncher;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #restarted: () => void;
  #known = new Map<string, string | undefined>();
  /** When the loading of what is watched began, in milliseconds since 1970. */
  #since = performance.timeOrigin;
  #unwatch: () => void = () => undefined;

  /** `restarted`: called when a change has taken effect. */
  constructor(
    launcher: ProcessLauncher,
    config: Config,
    { log, restarted }: { readonly log: Logger; readonly restarted: () => void },
  ) {
    this.#launcher = launcher;
    this.#config = config;
    this.#log = log;
    this.#restarted = restarted;
  }

  /** Watches what the configuration was read from, and what its workers have loaded by now. */
  async follow(): Promise<void> {
    const answers = await this.#launcher.ask(TOPIC);
    const modules = answers.flatMap(({ body }) => (body as string[] | undefined) ?? []);
    const paths = new Set([...this.#config.configFiles, ...this.#config.filesRead, ...modules]);
    // A file written after a change was seen has changed as well.
    this.#known = new Map([...paths].map((path) => [path, this.#known.get(path) ?? this.#textLoaded(path)]));
    this.#unwatch();
    this.#unwatch = watchFiles(paths, () => void this.#look(), { quietMs: QUIET_MS });
    this.#log.info(`watching ${paths.size} files`);
    await this.#look();
  }

  /** Undefined for one that was written since: whether before or after it was loaded cannot be told, so it counts as changed. */
  #textLoaded(path: string): string | undefined {
    const { mtimeMs = 0 } = ignoreErrors(() => statSync(path)) ?? {};
    return mtimeMs > this.#since && mtimeMs <= Date.now() ? undefined : textOf(path);
  }

  async #look(): Promise<void> {
    const now = Date.now();
    const changed = [...this.#known.keys()].filter((path) => {
      const text = textOf(path);
      if (text === undefined || text === this.#known.get(path)) return false;
      this.#known.set(path, text);
      return true;
    });
    if (changed.length === 0 || this.#launcher.status().stopping) return;
    const names = changed.map((path) => relative('', path));
    this.#log.notice(`${names.join(', ')} changed: restarting`, { files: names });
    this.#since = now;
    await this.#launcher.restart();
    this.#restarted();
    await this.follow();
  }
}

const textOf = (path: string): string | undefined => ignoreErrors(() => readFileSync(path, 'latin1'));
