/**
 * basic_auth: user and password, RFC 7617.
 */
import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { environ, Fault, filterFactory } from '../app/index.js';
import { boolean, defineOptions, duration, integer, path, string } from '../config/index.js';
import { systemClock } from '../tasks/index.js';
import { HtpasswdFile } from './auth/htpasswd-file.js';
import { stripIdentity } from './auth/identity.js';
import { PasswordChecker } from './auth/password-checker.js';
import { removeHeaders } from './headers/request-headers.js';

export const basicAuthOptions = defineOptions({
  user_file: path({ required: true, kind: 'file', help: 'Users with their bcrypt hashes, as htpasswd -B writes it.' }),
  realm: string({ default: 'Restricted', help: 'What browsers show when they ask for a password.' }),
  set_headers: boolean({ default: true, help: 'Hands the user on as X-User and X-User-Name too.' }),
  max_concurrent_checks: integer({
    default: 4,
    min: 1,
    max: 64,
    help: 'Threads that check passwords. Each may have eight more waiting; then logins get 503.',
  }),
  failure_cache_s: duration({ default: 1, help: 'How long a refused login is refused again without a check.' }),
});

/** More would be cut off by bcrypt, so that another password fits as well. */
const LONGEST_PASSWORD = 72;

/**
 * Lets in who has a user and a password of the file; everybody else gets 401 and a challenge, with the same body and after the
 * same time whether the user exists or not. Sets `environ(req).identity` and takes `Authorization` off.
 */
export const basicAuth = filterFactory('basic_auth', basicAuthOptions, (options, ctx) => {
  const file = new HtpasswdFile(options.userFile, ctx.log, ctx.section.options.get('user_file')?.origin);
  const checker = new PasswordChecker(options.maxConcurrentChecks);
  ctx.onClose(() => checker.close());
  const failures = new Failures(options.failureCacheS * 1000);
  const realm = options.realm.replace(/[^\x20-\x7e]|["\\]/g, '');
  const challenge = { 'www-authenticate': `Basic realm="${realm}", charset="UTF-8"` };
  const refusal = (): Fault => new Fault(401, { message: 'The request requires authentication.', headers: challenge });

  const login = async (req: IncomingMessage): Promise<string> => {
    const credentials = credentialsOf(req.headers.authorization);
    if (credentials === undefined || failures.has(credentials.key)) throw refusal();
    const { user, password, key } = credentials;
    const { hash, known } = await file.hashOf(user);
    const fits = Buffer.byteLength(password) <= LONGEST_PASSWORD;
    const equal = await checker.check(fits ? password : '', hash);
    if (equal && known && fits) return user;
    failures.add(key);
    throw refusal();
  };

  return (app) => async (req, res) => {
    stripIdentity(req);
    const user = await login(req);
    removeHeaders(req, (name) => name === 'authorization');
    environ(req).identity = { userId: user, userName: user };
    if (options.setHeaders) {
      for (const name of ['x-user', 'x-user-name']) {
        req.headers[name] = encoded(user);
        req.rawHeaders.push(name, encoded(user));
      }
    }
    return app(req, res);
  };
});

interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Stands for the pair without being it. */
  readonly key: string;
}

function credentialsOf(header: string | undefined): Credentials | undefined {
  const encodedPair = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(header ?? '')?.[1];
  if (encodedPair === undefined) return undefined;
  const pair = Buffer.from(encodedPair, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  if (colon < 1) return undefined;
  const key = hash('sha256', pair, 'base64url');
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1), key };
}

/** Values that Node does not send on as they are. */
function encoded(user: string): string {
  return /^[\x21-\x7e]+$/.test(user) ? user : encodeURIComponent(user);
}

/** Logins that failed a moment ago. */
class Failures {
  readonly #lifeMs: number;
  readonly #until = new Map<string, number>();

  constructor(lifeMs: number) {
    this.#lifeMs = lifeMs;
  }

  has(key: string): boolean {
    return (this.#until.get(key) ?? Number.NEGATIVE_INFINITY) > systemClock.now();
  }

  add(key: string): void {
    const now = systemClock.now();
    // In the order of their time: the first ones are over first.
    for (const [old, until] of this.#until) {
      if (until > now && this.#until.size < 10_000) break;
      this.#until.delete(old);
    }
    this.#until.set(key, now + this.#lifeMs);
  }
}
