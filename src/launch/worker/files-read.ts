/**
 * Reports to the parent which files a worker reads through its configuration; never their content.
 */
import type { Config, ConfigSnapshot } from '../../config/index.js';
import { digest } from '../digest.js';
import type { FileRead } from '../worker-message.js';
import type { ParentLink } from './parent-link.js';

export class FilesRead {
  readonly #config: Config | undefined;
  readonly #link: ParentLink;
  /** Files that were reported to the parent. */
  readonly #told = new Set<string>();

  constructor(config: Config | undefined, link: ParentLink) {
    this.#config = config;
    this.#link = link;
  }

  /** Reports the files that were read since; called when the options that name files are declared. */
  tell(): void {
    const config = this.#config;
    const own = new Set(config?.ownFilesRead.filter((path) => !this.#told.has(path)));
    if (config === undefined || own.size === 0) return;
    const given = new Set((this.#link.configuration as ConfigSnapshot | undefined)?.files.map(({ path }) => path));
    const files = config.namedFiles.filter(({ path }) => own.has(path));
    for (const { path } of files) this.#told.add(path);
    const read = files.map(({ path, option, where }): FileRead => {
      return { path, option, where, ...(given.has(path) ? {} : { hash: digest(config.readFile(path)) }) };
    });
    void this.#link.send({ kind: 'read', files: read });
  }
}
