/**
 * A file of users and bcrypt hashes, as Apache's `htpasswd -B` writes it.
 */
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ConfigurationRefused, type Origin } from '../../errors.js';
import type { Logger } from '../../log.js';
import { systemClock } from '../../tasks/index.js';

/** How often the file is looked at, at most, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/** Users by name. Read again when the file has changed; a file that cannot be read then leaves the last content. */
export class HtpasswdFile {
  readonly #path: string;
  readonly #log: Logger;
  #users: ReadonlyMap<string, string>;
  #stamp: string;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Throws for a file that is missing or has a line that is no user with a bcrypt hash. */
  constructor(path: string, log: Logger, origin: Origin | undefined) {
    this.#path = path;
    this.#log = log;
    try {
      const found = statSync(path);
      if ((found.mode & 0o004) !== 0) log.warn(`${path} can be read by everybody on this machine`);
      this.#stamp = stampOf(found);
      this.#users = this.#read();
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_USER_FILE', {
        message: `the user file cannot be used: ${(cause as Error).message}`,
        hint: 'Make it with htpasswd -B: a line user:hash for each user.',
        origin,
        cause,
      });
    }
  }

  /** The hash of a user; for one that is not there a hash that costs as much and fits no password. */
  async hashOf(user: string): Promise<{ readonly hash: string; readonly known: boolean }> {
    await this.#look();
    const hash = this.#users.get(user);
    if (hash !== undefined) return { hash, known: true };
    const [, cost = '10'] = /^\$2[aby]\$(\d\d)\$/.exec(this.#users.values().next().value ?? '') ?? [];
    return { hash: `$2b$${cost}$${'.'.repeat(53)}`, known: false };
  }

  async #look(): Promise<void> {
    const now = systemClock.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    try {
      const stamp = stampOf(await stat(this.#path));
      if (stamp === this.#stamp) return;
      this.#stamp = stamp;
      this.#users = this.#read();
      this.#log.info('read the user file again', { users: this.#users.size });
    } catch (error) {
      this.#log.error('the user file cannot be used; the users read before stay', { err: error });
    }
  }

  #read(): ReadonlyMap<string, string> {
    const users = new Map<string, string>();
    for (const [at, line] of readFileSync(this.#path, 'utf8').split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const [, user, hash] = /^([^:]+):(\$2[aby]\$\d\d\$[./A-Za-z0-9]{53})\s*$/.exec(line) ?? [];
      if (user === undefined || hash === undefined) {
        throw new Error(`${this.#path}:${at + 1}: no user with a bcrypt hash ($2a$, $2b$ or $2y$)`);
      }
      if (users.has(user)) this.#log.warn(`${this.#path}:${at + 1}: the user ${user} is there twice; this line counts`);
      users.set(user, hash);
    }
    return users;
  }
}

function stampOf({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }): string {
  return `${mtimeMs} ${size} ${ino}`;
}
