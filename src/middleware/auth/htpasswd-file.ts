/**
 * A file of users and bcrypt hashes, as Apache's `htpasswd -B` writes it.
 */
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { ConfigurationRefused, type Origin } from '../../errors/index.js';
import type { Logger } from '../../log/index.js';
import { type Clock, systemClock } from '../../tasks/index.js';

/** How often the file is looked at, at most, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/** A line: the user, the hash, its cost (4 to 31: two to the power of it is how often bcrypt repeats its work). */
const USER = /^([^:]+):(\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53})\s*$/;

/** Users by name. Read again when the file has changed; a file that cannot be read then leaves the last content. */
export class HtpasswdFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #users: ReadonlyMap<string, string>;
  /** Of all users. */
  #highestCost = 0;
  #stamp: string;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Throws for a file that is missing or has a line that is no user with a bcrypt hash. */
  constructor(path: string, log: Logger, origin?: Origin, clock: Clock = systemClock) {
    this.#path = path;
    this.#clock = clock;
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

  /**
   * The hash of a user, or for one that is not there a hash that fits no password. Hashes that fit no password follow, so
   * that to compare a password with all of them costs the same for every user: as much as the dearest hash of the file.
   */
  async hashesOf(user: string): Promise<{ readonly hashes: readonly [string, ...string[]]; readonly known: boolean }> {
    await this.#look();
    const hash = this.#users.get(user);
    if (hash === undefined) return { hashes: [fitsNothing(this.#highestCost)], known: false };
    const cost = costOf(hash);
    // 2^c and each power from there on make the next one: 2^c + 2^c + 2^(c+1) + … + 2^(h-1) = 2^h.
    const padding = Array.from({ length: this.#highestCost - cost }, (_, more) => fitsNothing(cost + more));
    return { hashes: [hash, ...padding], known: true };
  }

  async #look(): Promise<void> {
    const now = this.#clock.now();
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
      const [, user, hash] = USER.exec(line) ?? [];
      if (user === undefined || hash === undefined) {
        throw new Error(
          `${this.#path}:${at + 1}: no user with a bcrypt hash ($2a$, $2b$ or $2y$, and a cost from 04 to 31)`,
        );
      }
      if (users.has(user)) this.#log.warn(`${this.#path}:${at + 1}: the user ${user} is there twice; this line counts`);
      users.set(user, hash);
    }
    this.#highestCost = users.size === 0 ? 10 : Math.max(...[...users.values()].map(costOf));
    return users;
  }
}

function costOf(hash: string): number {
  return Number(hash.slice(4, 6));
}

function fitsNothing(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${'.'.repeat(53)}`;
}

function stampOf({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }): string {
  return `${mtimeMs} ${size} ${ino}`;
}
