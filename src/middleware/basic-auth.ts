/** basic_auth: HTTP Basic authentication (RFC 7617). */
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Worker } from 'node:worker_threads';
import {
  environ,
  type FactoryContext,
  type Fault,
  filterFactory,
  type OpenApiAdditions,
  remoteOf,
} from '../app/index.js';
import { checkSite, exchangeOf, optionOrigin, unavailable } from '../app/internal.js';
import { defineOptions, type OptionsOf, path, string } from '../config/index.js';
import { ConfigurationRefused, errorText, type Origin } from '../errors/index.js';
import type { Logger } from '../log/index.js';
import { ownFile } from '../process/index.js';
import type { Clock } from '../tasks/index.js';
import { systemClock } from '../tasks/internal.js';
import { addressKey } from './addresses.js';
import type { PasswordQuestion } from './auth/basic-auth-worker.js';
import { addHeaders, encoded, stripIdentity } from './auth/identity.js';
import { unauthenticated } from './auth/presented-token.js';
import { TokenCache } from './auth/token-cache.js';
import { isRefused, type RefusedToken, type TokenInfo } from './auth/token-validator.js';
import { removeHeaders } from './headers.js';

// Compares passwords in worker threads, with a fair queue for each client.

/** Maximum number of queued checks per thread. */
const WAITING_PER_THREAD = 8;

/** Maximum number of refused clients that are remembered. */
const MAX_REFUSED = 10_000;

interface Waiting {
  readonly question: PasswordQuestion;
  readonly resolve: (equal: boolean) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  asked: Waiting | undefined;
}

/**
 * Compares passwords in a few threads, which start on first use. Clients take turns: a client with one check waits for at most one check
 * of each other client.
 *
 * If too many checks wait, the client with the longest queue loses its newest one. Of several such clients, one whose last password was
 * wrong loses it, so that guesses from many addresses cannot lock out the others.
 */
export class PasswordChecker {
  readonly #size: number;
  readonly #random: () => number;
  /** Clients whose last password was wrong, the most recent last. */
  readonly #refused = new Set<string>();
  readonly #threads = new Set<Thread>();
  /** The queues by client, in the order of their turns. No queue is empty. */
  readonly #lines = new Map<string, Waiting[]>();
  #waiting = 0;

  /** `random` returns numbers from 0 to 1, exclusive of 1. */
  constructor(size: number, random: () => number = Math.random) {
    this.#size = size;
    this.#random = random;
  }

  /** Reports whether the password matches the first hash. Rejects with a `Fault` 503 if too many checks wait. */
  check(question: PasswordQuestion, client: string): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const line = this.#lines.get(client) ?? [];
      const answer = (equal: boolean): void => {
        this.#remember(client, equal);
        resolve(equal);
      };
      line.push({ question, resolve: answer, reject });
      this.#lines.set(client, line);
      this.#waiting++;
      this.#next();
      if (this.#waiting > this.#size * WAITING_PER_THREAD) this.#turnAway();
    });
  }

  /** Terminates the threads and rejects queued checks. */
  async close(): Promise<void> {
    for (const { reject } of [...this.#lines.values()].flat()) reject(tooMany());
    this.#lines.clear();
    this.#waiting = 0;
    await Promise.all([...this.#threads].map(({ worker }) => worker.terminate()));
  }

  /** Assigns queued checks to idle threads. */
  #next(): void {
    while (this.#waiting > 0) {
      const idle = [...this.#threads].find(({ asked }) => asked === undefined);
      if (idle === undefined && this.#threads.size >= this.#size) return;
      this.#ask(idle ?? this.#start(), this.#take());
    }
  }

  #take(): Waiting {
    const [client, line] = this.#lines.entries().next().value!;
    const first = line.shift()!;
    this.#lines.delete(client);
    if (line.length > 0) this.#lines.set(client, line);
    this.#waiting--;
    return first;
  }

  #remember(client: string, equal: boolean): void {
    this.#refused.delete(client);
    if (!equal) this.#refused.add(client);
    if (this.#refused.size > MAX_REFUSED) this.#refused.delete(this.#refused.values().next().value!);
  }

  /** Rejects the newest check of a longest queue. Prefers the queues of refused clients, and chooses at random among equal ones. */
  #turnAway(): void {
    const most = Math.max(...[...this.#lines.values()].map(({ length }) => length));
    const longest = [...this.#lines].filter(([, { length }]) => length === most);
    const refused = longest.filter(([client]) => this.#refused.has(client));
    const choice = refused.length > 0 ? refused : longest;
    const [client, line] = choice[Math.floor(this.#random() * choice.length)]!;
    line.pop()!.reject(tooMany());
    if (line.length === 0) this.#lines.delete(client);
    this.#waiting--;
  }

  #ask(thread: Thread, waiting: Waiting): void {
    thread.asked = waiting;
    // The thread keeps the process alive only during a check.
    thread.worker.ref();
    thread.worker.postMessage(waiting.question);
  }

  #start(): Thread {
    const worker = new Worker(ownFile('middleware/auth/basic-auth-worker.js'));
    const thread: Thread = { worker, asked: undefined };
    worker.on('message', (equal: boolean) => {
      thread.asked?.resolve(equal);
      thread.asked = undefined;
      worker.unref();
      this.#next();
    });
    let failure: unknown = new Error('the thread that checks passwords ended');
    worker.on('error', (error) => {
      failure = error;
    });
    worker.on('exit', () => {
      this.#threads.delete(thread);
      thread.asked?.reject(failure);
      this.#next();
    });
    this.#threads.add(thread);
    return thread;
  }
}

function tooMany(): Fault {
  return unavailable('Too many logins at the moment.', 1);
}

const basicAuthOptions = defineOptions({
  user_file: path({
    required: true,
    kind: 'file',
    mode: 0o640,
    help: 'Password file with bcrypt hashes, as htpasswd -B writes it, relative to the working directory.',
  }),
  realm: string({ default: 'Restricted', help: 'Realm that browsers show when they ask for a password.' }),
});

/** Threads of a process that check passwords; each queues up to eight checks. More of them would take the CPUs from requests. */
const THREADS = 4;
/** Seconds a login is cached after its last use, unless its password changes: checking a password takes a tenth of a second. */
const LOGIN_S = 60;
/** Seconds a failed login is cached: clients with an old password repeat it at once. */
const FAILURE_S = 1;
/** Maximum number of cached logins. */
const MAX_REMEMBERED = 10_000;

/** Maximum length in bytes. bcrypt ignores further bytes, so another password would match too. */
const LONGEST_PASSWORD = 72;

const NO_ORIGINS: ReadonlySet<string> = new Set();

/**
 * Accepts callers whose user and password are in the file. Others get 401 and a challenge, with the same body and after the same time
 * whether the user exists or not, unless its hash costs more than most. Sets `environ(req).identity` and removes `Authorization`. Browsers attach a password that they know also to
 * requests of other sites: those that can change something get 403, unless a filter `cors` allows credentials to their origin.
 */
export const basicAuth = filterFactory(
  'basic_auth',
  basicAuthOptions,
  (options, ctx) => {
    const file = usersOf(options, ctx);
    const checker = new PasswordChecker(THREADS);
    ctx.onClose(() => checker.close());
    // A random key for each process: the hashes in its memory cannot be used to guess passwords.
    const secretKey = randomBytes(32).toString('base64url');
    const logins = new TokenCache({
      lifeS: LOGIN_S,
      negativeLifeS: FAILURE_S,
      maxEntries: MAX_REMEMBERED,
      secretKey,
    });
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
      const { trial } = exchangeOf(req);
      if (trial?.isUnknown('headers') === true && req.headers.authorization === undefined) {
        trial.assumeCaller('respond with 401 unless the file has the user with the password');
        return app(req, res);
      }
      const user = await login(req);
      removeHeaders(req, (name) => name === 'authorization');
      environ(req).identity = { userId: user, userName: user };
      const name = encoded(user);
      addHeaders(req, [
        ['x-user', name],
        ['x-user-name', name],
      ]);
      return app(req, res);
    };
  },
  { trial: (options, ctx) => void usersOf(options, ctx), openapi: openapiOf },
);

function usersOf({ userFile }: OptionsOf<typeof basicAuthOptions>, ctx: FactoryContext): HtpasswdFile {
  return new HtpasswdFile(userFile, ctx.log, optionOrigin(ctx, 'basic_auth', 'user_file'));
}

function openapiOf({ realm }: OptionsOf<typeof basicAuthOptions>): OpenApiAdditions {
  return {
    security: [{ basic: [] }],
    securitySchemes: { basic: { type: 'http', scheme: 'basic', description: realm } },
    responses: {
      401: { description: 'The user or the password is wrong.' },
      403: { description: 'The request comes from another site.' },
    },
  };
}

function credentialsOf(header: string | undefined): { user: string; password: string } | undefined {
  const encodedPair = /^basic +(\S+)$/i.exec(header ?? '')?.[1];
  if (encodedPair === undefined) return undefined;
  // Only one spelling is accepted: with its padding, and with bytes that are the UTF-8 of a text.
  const pair = Buffer.from(encodedPair, 'base64').toString('utf8');
  if (Buffer.from(pair).toString('base64') !== encodedPair) return undefined;
  const colon = pair.indexOf(':');
  if (colon < 1) return undefined;
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/** Minimum interval between checks of the file, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/**
 * A line: user, hash and cost. A cost of n means 2^n iterations of bcrypt: 12 takes a quarter of a second, and each step doubles it. htpasswd
 * writes no more than 17.
 */
const USER = /^([^:]+):(\$2[aby]\$(0[4-9]|1[0-7])\$[./A-Za-z0-9]{53})\s*$/;

/** Cost from which a login takes more than a second, while a thread does nothing else. */
const SLOW_COST = 15;

/**
 * The users in a file in the format of Apache's `htpasswd -B`. Reads the file again after changes, and keeps the old users if it cannot
 * be read.
 */
export class HtpasswdFile {
  readonly #path: string;
  readonly #log: Logger;
  readonly #clock: Clock;
  #users: ReadonlyMap<string, string>;
  /** The cost that most users have. */
  #usualCost = 0;
  /** Of the file as it was read last. */
  #stamp: string;
  /** Why it cannot be read now: one line of the log for each reason. */
  #failure: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  /** Throws if the file is missing, or a line is not a user with a bcrypt hash. */
  constructor(path: string, log: Logger, origin?: Origin, clock: Clock = systemClock) {
    this.#path = path;
    this.#clock = clock;
    this.#log = log;
    try {
      const found = statSync(path);
      if ((found.mode & 0o004) !== 0)
        log.warn(`${path} can be read by every user of this machine: run chmod o-r ${path}`);
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
   * Returns the hash of a user, or for an unknown user a hash of the usual cost that matches no password. More such hashes follow a cheaper
   * hash, so that the comparison takes as long. One expensive hash does not make all logins as slow: anyone can send unknown users.
   */
  async hashesOf(user: string): Promise<{ readonly hashes: readonly [string, ...string[]]; readonly known: boolean }> {
    await this.#look();
    const hash = this.#users.get(user);
    if (hash === undefined) return { hashes: [fitsNothing(this.#usualCost)], known: false };
    const cost = costOf(hash);
    // 2^c and the powers from 2^c on add up to the usual cost: 2^c + 2^c + 2^(c+1) + … + 2^(u-1) = 2^u.
    const padding = Array.from({ length: Math.max(0, this.#usualCost - cost) }, (_, more) => fitsNothing(cost + more));
    return { hashes: [hash, ...padding], known: true };
  }

  async #look(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    try {
      const stamp = stampOf(await stat(this.#path));
      if (stamp !== this.#stamp) {
        this.#users = this.#read();
        // Only now: a file that could not be read is tried again, also if what mends it (chmod) leaves the stamp as it is.
        this.#stamp = stamp;
        this.#log.info({ users: this.#users.size }, 'read the user file again');
      }
      this.#failure = undefined;
    } catch (error) {
      const failure = errorText(error);
      if (failure === this.#failure) return;
      this.#failure = failure;
      this.#log.error({ err: error }, 'the user file cannot be used; the old users are kept until it can be read');
    }
  }

  #read(): ReadonlyMap<string, string> {
    const users = new Map<string, string>();
    for (const [at, line] of readFileSync(this.#path, 'utf8').split(/\r?\n/).entries()) {
      if (line.trim() === '' || line.startsWith('#')) continue;
      const [, user, hash] = USER.exec(line) ?? [];
      if (user === undefined || hash === undefined) {
        throw new Error(
          `${this.#path}:${at + 1}: no user with a bcrypt hash ($2a$, $2b$ or $2y$, and a cost from 04 to 17)`,
        );
      }
      if (users.has(user)) this.#log.warn(`${this.#path}:${at + 1}: the user ${user} is repeated; this line applies`);
      users.set(user, hash);
    }
    const costs = [...users.values()].map(costOf);
    this.#usualCost = mostCommon(costs) ?? DEFAULT_COST;
    this.#warnOfCosts([...users.keys()].map((user, at) => [user, costs[at]!]));
    return users;
  }

  #warnOfCosts(users: readonly (readonly [user: string, cost: number])[]): void {
    const slow = users.find(([, cost]) => cost >= SLOW_COST);
    const odd = users.find(([, cost]) => cost > this.#usualCost);
    const [user, cost] = slow ?? odd ?? [];
    if (user === undefined) return;
    const why =
      slow === undefined
        ? `more than the ${this.#usualCost} of most users: the time of a login shows that this user exists`
        : 'a login takes more than a second';
    this.#log.warn(
      `${this.#path}: the password of ${user} has a bcrypt cost of ${cost}, ${why}; hash it again with htpasswd -B`,
    );
  }
}

/** Cost for a file without users. */
const DEFAULT_COST = 10;

/** Returns the most common number, of several the highest; undefined without numbers. */
function mostCommon(numbers: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const each of numbers) counts.set(each, (counts.get(each) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const common = numbers.filter((each) => counts.get(each) === most);
  return common.length === 0 ? undefined : Math.max(...common);
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
