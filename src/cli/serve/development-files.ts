/**
 * `--dev`: watches the files of a service, including the modules of its application, and restarts its worker after a change.
 */
import { readFileSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import type { Config } from '../../config/index.js';
import { watchFiles } from '../../config/internal.js';
import { ignoreErrors } from '../../errors/index.js';
import type { ProcessLauncher } from '../../launch/index.js';
import type { Logger } from '../../log/index.js';
import { programPaths } from '../../process/index.js';

const TOPIC = 'portico.development.modules';

/** An editor writes a file in several steps, and a formatter once more. */
const QUIET_MS = 100;

/** The last save of a file. */
export interface Save {
  /** False from the save until its code is served, or was refused. */
  isServed: boolean;
}

/** In a worker: responds to {@link DevelopmentFiles}. */
export function answerModules(launcher: ProcessLauncher): void {
  launcher.answer(TOPIC, programPaths);
}

/** The parent's watch. Only a different content counts; a missing file counts when it is back. */
export class DevelopmentFiles {
  readonly #launcher: ProcessLauncher;
  readonly #config: Config;
  readonly #log: Logger;
  readonly #save: Save;
  #known = new Map<string, string | undefined>();
  /** Time at which loading of the watched files began, in milliseconds since 1970. */
  #since = performance.timeOrigin;
  #unwatch: () => void = () => undefined;

  constructor(launcher: ProcessLauncher, config: Config, { log, save }: { readonly log: Logger; readonly save: Save }) {
    this.#launcher = launcher;
    this.#config = config;
    this.#log = log;
    this.#save = save;
  }

  /** Watches the files of the configuration, and those that its workers have loaded. */
  async follow(): Promise<void> {
    const answers = await this.#launcher.ask(TOPIC);
    const modules = answers.flatMap(({ body }) => (body as string[] | undefined) ?? []);
    const paths = new Set([...this.#config.configFiles, ...this.#config.filesRead, ...modules]);
    // A file that was written after a change was seen has changed too.
    this.#known = new Map([...paths].map((path) => [path, this.#known.get(path) ?? this.#textLoaded(path)]));
    this.#unwatch();
    this.#unwatch = watchFiles(paths, () => void this.#look(), { quietMs: QUIET_MS });
    this.#log.info(`watching ${paths.size} files`);
    await this.#look();
  }

  /** Returns undefined for a file written since then: it may have been loaded before or after, so it counts as changed. */
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
    const files = changed.map((path) => relative('', path));
    this.#since = now;
    this.#save.isServed = false;
    await this.#launcher.restart();
    this.#save.isServed = true;
    const { reloads, stopping } = this.#launcher.status();
    if (stopping) return;
    const { outcome, durationMs = 0 } = reloads.at(-1) ?? {};
    const end =
      outcome === 'refused'
        ? 'and cannot be served: the code before still is'
        : `serving again after ${(durationMs / 1000).toFixed(1)} s`;
    this.#log.notice({ files, outcome }, `${files.join(', ')} changed, ${end}`);
    await this.follow();
  }
}

const textOf = (path: string): string | undefined => ignoreErrors(() => readFileSync(path, 'latin1'));
