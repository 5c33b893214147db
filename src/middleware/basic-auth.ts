/** basic_auth: HTTP Basic authentication (RFC 7617). */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type Description, environ, type Fault, filterFactory, remoteOf } from '../app/index.js';
import { optionOrigin } from '../app/internal.js';
import { boolean, defineOptions, duration, integer, type OptionsOf, path, string } from '../config/index.js';
import { ConfigurationRefused, type Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import type { Clock } from '../tasks/index.js';
import { systemClock } from '../tasks/internal.js';
import { addressKey } from './addresses.js';
import { addHeaders, encoded, stripIdentity } from './auth/identity.js';
import { PasswordChecker } from './auth/password-checker.js';
import { TokenCache } from './auth/token-cache.js';
import { isRefused, type RefusedToken, type TokenInfo } from './auth/token-validator.js';
import { unauthenticated } from './auth/unauthenticated.js';
import type {} from './cors.js';
import { removeHeaders } from './headers.js';
import { checkSite } from './sessions/cross-site.js';

const basicAuthOptions = defineOptions({
  user_file: path({
    required: true,
    kind: 'file',
    mode: 0o640,
    help: 'Password file with bcrypt hashes, as htpasswd -B writes it, relative to the working directory.',
  }),
  realm: string({ default: 'Restricted', help: 'Realm that browsers show when they ask for a password.' }),
  set_headers: boolean({ default: true, help: 'Also pass the user to the app in X-User and X-User-Name.' }),
  max_concurrent_checks: integer({
    default: 4,
    min: 1,
    max: 64,
    help: 'Threads that check passwords. Each queues up to eight checks.',
    advanced: true,
  }),
  login_cache_s: duration({
    default: 60,
    help: 'Seconds a login is cached after its last use, unless its password changes. 0 disables the cache.',
    advanced: true,
  }),
  failure_cache_s: duration({ default: 1, help: 'Seconds a failed login is cached.', advanced: true }),
});

/** Maximum number of cached logins. */
const MAX_REMEMBERED = 10_000;

/** Maximum length in bytes. bcrypt ignores further bytes, so another password would match too. */
const LONGEST_PASSWORD = 72;

const NO_ORIGINS: ReadonlySet<string> = new Set();

/**
 * Accepts callers whose user and password are in the file. Others get 401 and a challenge, with the same body and after the same time
 * whether the user exists or not. Sets `environ(req).identity` and removes `Authorization`. Browsers attach a password that they know also to
 * requests of other sites: those that can change something get 403, unless a filter `cors` allows credentials to their origin.
 */
export const basicAuth = filterFactory(
  'basic_auth',
  basicAuthOptions,
  (options, ctx) => {
    const file = new HtpasswdFile(options.userFile, ctx.log, optionOrigin(ctx, 'basic_auth', 'user_file'));
    const checker = new PasswordChecker(options.maxConcurrentChecks);
    ctx.onClose(() => checker.close());
    // A random key for each process: the hashes in its memory cannot be used to guess passwords.
    const secretKey = randomBytes(32).toString('base64url');
    const { loginCacheS: lifeS, failureCacheS: negativeLifeS } = options;
    const logins = new TokenCache({ lifeS, negativeLifeS, maxEntries: MAX_REMEMBERED, secretKey });
    const realm = options.realm.replace(/[^\x20-\x7e]|["\\]/g, '');
    const challenge = { 'www-authenticate': `Basic realm="${realm}", charset="UTF-8"` };
    const refusal = (reason: string, user?: string): Fault => {
      ctx.log.debug(user === undefined ? { reason } : { reason, user }, 'a login is refused');
      return unauthenticated(challenge);
    };

    const login = async (req: IncomingMessage): Promise<string> => {
      const { authorization } = req.headers;
      const credentials = credentialsOf(authorization);
      if (credentials === undefined) throw refusal(authorization === undefined ? 'missing' : 'malformed');
      const { user, password } = credentials;
      const { hashes, known } = await file.hashesOf(user);
      const fits = Buffer.byteLength(password) <= LONGEST_PASSWORD;
      // With the hash in the key, a changed password does not match the cached login.
      const key = logins.keyOf(`${hashes[0]}${user}:${password}`, false);
      const remembered = logins.get(key);
      const check = async (): Promise<TokenInfo | RefusedToken> => {
        const client = addressKey(remoteOf(req).address);
        const equal = await checker.check({ password: fits ? password : '', hashes }, client);
        if (equal && known && fits) return { userId: user, roles: [] };
        return { refused: known ? 'wrong password' : 'unknown user' };
      };
      const answer = remembered ?? (await check());
      // Each use extends a successful login. A failed login expires.
      if (remembered === undefined || !isRefused(answer)) logins.set(key, answer);
      if (isRefused(answer)) throw refusal(answer.refused, known ? user : undefined);
      return user;
    };

    return (app) => async (req, res) => {
      if (environ(req).mayShareCredentials !== true) checkSite(req, NO_ORIGINS);
      stripIdentity(req);
      const user = await login(req);
      removeHeaders(req, (name) => name === 'authorization');
      environ(req).identity = { userId: user, userName: user };
      const name = encoded(user);
      if (options.setHeaders)
        addHeaders(req, [
          ['x-user', name],
          ['x-user-name', name],
        ]);
      return app(req, res);
    };
  },
  { describe },
);

function describe({ realm }: OptionsOf<typeof basicAuthOptions>, req?: IncomingMessage): Description {
  if (req !== undefined && credentialsOf(req.headers.authorization) === undefined) {
    return { does: 'answers 401: the request has no user and password in Authorization', answers: 401 };
  }
  return {
    does: 'answers 401 unless the file has the user with this password, and 403 to requests of other sites that can change something',
    answers: 'perhaps',
    openapi: {
      security: [{ basic: [] }],
      securitySchemes: { basic: { type: 'http', scheme: 'basic', description: realm } },
      responses: {
        401: { description: 'The user or the password is wrong.' },
        403: { description: 'The request comes from another site.' },
      },
    },
  };
}

function credentialsOf(header: string | undefined): { user: string; password: string } | undefined {
  const encodedPair = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encodedPair === undefined) return undefined;
  const pair = Buffer.from(encodedPair, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) return undefined;
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** Minimum interval between checks of the file, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/** A line: user, hash and cost. A cost of n (4 to 31) means 2^n iterations of bcrypt. */
const USER = /^([^:]+):(\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53})\s*$/;

/**
 * The users in a file in the format of Apache's `htpasswd -B`. Reads the file again after changes, and keeps the old users if it cannot
 * be read.
 */
export class HtpasswdFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #users: ReadonlyMap<string, string>;
  /** The highest cost of all users. */
  #highestCost = 0;
  #stamp: string;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Throws if the file is missing, or a line is not a user with a bcrypt hash. */
  constructor(path: string, log: Logger, origin?: Origin, clock: Clock = systemClock) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
    try {
      const found = statSync(path);
      if ((found.mode & 0o004) !== 0) log.warn(`${path} can be read by every user of this machine`);
      this.#stamp = stampOf(found);
      this.#users = this.#read();
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_USER_FILE', {
        message: `the user file cannot be used: ${(cause as Error).message}`,
        hint: 'Create it with htpasswd -B: a line user:hash for each user.',
        origin,
        cause,
      });
    }
  }

  /**
   * Returns the hash of a user, or for an unknown user a hash that matches no password. More such hashes follow, so that the comparison
   * takes as long for every user as the most expensive hash in the file.
   */
  async hashesOf(user: string): Promise<{ readonly hashes: readonly [string, ...string[]]; readonly known: boolean }> {
    await this.#look();
    const hash = this.#users.get(user);
    if (hash === undefined) return { hashes: [fitsNothing(this.#highestCost)], known: false };
    const cost = costOf(hash);
    // 2^c and the powers from 2^c on add up to the highest cost: 2^c + 2^c + 2^(c+1) + … + 2^(h-1) = 2^h.
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
      this.#log.info({ users: this.#users.size }, 'read the user file again');
    } catch (error) {
      this.#log.error({ err: error }, 'the user file cannot be used; the old users are kept');
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
      if (users.has(user)) this.#log.warn(`${this.#path}:${at + 1}: the user ${user} is repeated; this line applies`);
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
