/** The session of one request: reads its cookie, and writes it with the headers of the response. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { beforeHead, environ, Fault, type Identity, type Session, type SessionData } from 'portico/app';
import { type Logger, PorticoError, type SessionStore, whatItIs } from 'portico/extension';
import type { SessionOptions } from './session-options.js';
import type { SessionSeal } from './session-seal.js';

/** Parts that all sessions of a filter share. */
export interface SessionRules {
  readonly options: SessionOptions;
  readonly seal: SessionSeal;
  readonly store: SessionStore | undefined;
  /** Requests with a session are refused while the store fails; false: they have none. */
  readonly refuses: boolean;
  readonly log: Logger;
}

/** Changes of other requests that a change gives way to. */
const MOST_TRIES = 100;

/** Largest cookie that browsers keep, with its name and attributes (RFC 6265bis §5.6). */
const MOST_BYTES = 4096;

/** A session is renewed when this part of its life has passed: not at each request. */
const RENEWED_AFTER = 0.1;

const IDENTITY = ['userId', 'userName', 'projectId', 'projectName', 'domainId', 'domainName', 'roles'] as const;

/** All that a session may know of its caller. */
const CALLER: ReadonlySet<string> = new Set<keyof Identity>([
  ...IDENTITY,
  'userDomainId',
  'userDomainName',
  'projectDomainId',
  'projectDomainName',
  'systemScope',
  'isAdminProject',
]);

/** A session to keep. */
interface Kept {
  /** Its key in the store; undefined without a store. */
  readonly id: string | undefined;
  /** When it began, in seconds. */
  readonly begun: number;
  readonly data: SessionData;
}

export class KeptSession implements Session {
  readonly #rules: SessionRules;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  #data: SessionData | undefined;
  #id: string | undefined;
  /** A session that {@link begin} has replaced, and that the client has until it gets the cookie of the new one. */
  #replaced: string | undefined;
  /** Settles when the changes so far have ended: each begins with what the one before has kept. */
  #turn: Promise<unknown> = Promise.resolve();
  /** The store could not say whether there is a session with this id. */
  #isUnread = false;
  #begun = 0;
  #cookie: string | undefined;
  #identity: Identity | undefined;

  constructor(rules: SessionRules, req: IncomingMessage, res: ServerResponse) {
    this.#rules = rules;
    this.#req = req;
    this.#res = res;
  }

  get data(): Readonly<SessionData> | undefined {
    return this.#data;
  }

  /** Reads the session of a cookie, and renews it if a part of its life has passed. */
  async load(cookie: string): Promise<void> {
    const { options, seal, store, refuses } = this.#rules;
    const sealed = await seal.open(cookie);
    if (sealed === undefined) return;
    const { begun, exp, held } = sealed;
    this.#begun = begun;
    try {
      // A change asks the store again, also if it cannot be read now.
      if (store !== undefined) this.#id = String(held);
      const data = store === undefined ? held : await stored(() => store.get(String(held)));
      if (typeof data !== 'object' || data === null) {
        this.#id = undefined;
        return;
      }
      this.#take(data);
      const left = exp - now();
      if (left < options.lifeS * (1 - RENEWED_AFTER) && this.#expiry(begun) > exp) await this.#renew();
    } catch (error) {
      if (refuses || !(error instanceof Fault)) throw error;
      this.#isUnread = this.#data === undefined;
    }
  }

  begin(data: SessionData): Promise<void> {
    return this.#inTurn(() => this.#begin(data));
  }

  update(data: Partial<SessionData>): Promise<void> {
    return this.#inTurn(() => this.#update(data));
  }

  end(): Promise<void> {
    return this.#inTurn(() => this.#end());
  }

  #inTurn(change: () => Promise<void>): Promise<void> {
    const changed = this.#turn.then(change);
    this.#turn = changed.catch(() => undefined);
    return changed;
  }

  async #begin(data: SessionData): Promise<void> {
    checkData(data);
    const [id, before] = [randomBytes(32).toString('base64url'), this.#id];
    await this.#keep({ id, begun: now(), data }, (store, seconds) => store.set(id, data, seconds));
    if (before === undefined || this.#rules.store === undefined) return;
    // The client has the one that its cookie names until the response gives it another one.
    if (this.#replaced === undefined) this.#replaced = before;
    else this.#forget(before);
  }

  async #update(data: Partial<SessionData>): Promise<void> {
    checkData(data);
    const [{ store }, id] = [this.#rules, this.#id];
    if (this.#data === undefined && id === undefined) return this.#begin(data);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      // Another request may have ended or changed it since: what is gone stays gone, with its cookie as that request has left it.
      const kept = store === undefined ? this.#data : await stored(() => store.get(id!));
      if (typeof kept !== 'object' || kept === null) return this.#isUnread ? this.#begin(data) : this.#take(undefined);
      if ('userId' in data && data.userId !== (kept as SessionData).userId) return this.#begin(withCaller(kept, data));
      const next = { ...kept, ...data };
      if (await this.#keep(this.#with(next), (store, seconds) => store.set(id!, next, seconds, kept))) return;
    }
    throw notStored('kept', new Error(`other requests have changed the session ${MOST_TRIES} times meanwhile`));
  }

  async #end(): Promise<void> {
    const [{ store }, id, replaced] = [this.#rules, this.#id, this.#replaced];
    for (const each of [id, replaced])
      if (store !== undefined && each !== undefined) await stored(() => store.delete(each), 'ended');
    this.#id = undefined;
    this.#replaced = undefined;
    this.#take(undefined);
    this.#send('', 0);
  }

  /** Deletes a session that no client has a cookie of any more. */
  #forget(id: string): void {
    const { store, log } = this.#rules;
    store
      ?.delete(id)
      .catch((err: unknown) => log.warn({ err }, 'a session that another one has replaced was not deleted'));
  }

  /** The caller of the session is that of the request, unless a filter has found another one. */
  #take(data: object | undefined): void {
    this.#data = data;
    const env = environ(this.#req);
    if (env.identity !== undefined && env.identity !== this.#identity) return;
    const given = data as Identity | undefined;
    this.#identity =
      given === undefined || !isUser(given.userId)
        ? undefined
        : Object.fromEntries(IDENTITY.map((name) => [name, given[name]]));
    if (this.#identity === undefined) delete env.identity;
    else env.identity = this.#identity;
  }

  /** The present session with these data. */
  #with(data: SessionData): Kept {
    return { id: this.#id, begun: this.#begun, data };
  }

  #expiry(begun: number): number {
    const { lifeS, longestLifeS } = this.#rules.options;
    const sliding = now() + Math.ceil(lifeS);
    return longestLifeS === 0 ? sliding : Math.min(sliding, begun + Math.ceil(longestLifeS));
  }

  /** Never writes what {@link load} has read, which another request may have changed since. */
  async #renew(): Promise<void> {
    const kept = this.#with(this.#data!);
    const isThere = await this.#keep(kept, async (store, seconds) => {
      const renewed = await store.touch(kept.id!, seconds);
      return renewed !== false && renewed !== 0;
    });
    if (!isThere) this.#take(undefined);
  }

  /**
   * Keeps a session until its expiry, in the store if there is one, and in the cookie. It is that of the request if all has succeeded. Returns
   * false if the store has not kept it: `inStore` resolves to false.
   */
  async #keep(
    { id, begun, data }: Kept,
    inStore: (store: SessionStore, seconds: number) => Promise<unknown>,
  ): Promise<boolean> {
    const { seal, store } = this.#rules;
    const exp = this.#expiry(begun);
    const seconds = Math.max(1, exp - now());
    if (store !== undefined && (await stored(() => inStore(store, seconds), 'kept')) === false) return false;
    const held = store === undefined ? data : id;
    this.#send(await seal.seal({ begun, exp, held }), seconds);
    this.#id = id;
    this.#isUnread = false;
    this.#begun = begun;
    this.#take(data);
    return true;
  }

  #send(value: string, seconds: number): void {
    const { cookie: name, domain, secure, sameSite } = this.#rules.options;
    const attributes = ['Path=/', `Max-Age=${seconds}`, 'HttpOnly', `SameSite=${SAME_SITE[sameSite]}`];
    if (domain !== undefined) attributes.push(`Domain=${domain}`);
    if (secure) attributes.push('Secure');
    const cookie = [`${name}=${value}`, ...attributes].join('; ');
    if (cookie.length > MOST_BYTES) {
      throw new PorticoError('PORTICO_SESSION_SIZE', {
        message: `the session makes a cookie of ${cookie.length} bytes: browsers keep ${MOST_BYTES}`,
        hint: 'Keep less in it, or name a store for the data of sessions: [filter:session] store = ./store.js:sessions.',
      });
    }
    if (this.#cookie === undefined) beforeHead(this.#res, (res) => this.#addTo(res));
    this.#cookie = cookie;
  }

  #addTo(res: ServerResponse): void {
    // A session that a failed request began or changed is not given out; one that it ended stays ended.
    const replaced = this.#replaced;
    this.#replaced = undefined;
    if (res.statusCode >= 500 && !this.#cookie!.startsWith(`${this.#rules.options.cookie}=;`)) {
      // The client still has the one before.
      if (replaced !== undefined) this.#forget(this.#id!);
      return;
    }
    if (replaced !== undefined) this.#forget(replaced);
    res.appendHeader('set-cookie', this.#cookie!);
    // No cache may give the cookie to another client, also that of a file with a maxAge.
    if (!FOR_ONE.test(String(res.getHeader('cache-control')))) res.setHeader('cache-control', 'no-store');
  }
}

/** Returns data with another caller, or with none: members of the former one are dropped, as roles of one user are not those of the next. */
function withCaller(kept: object, data: Partial<SessionData>): SessionData {
  const next = { ...Object.fromEntries(Object.entries(kept).filter(([name]) => !CALLER.has(name))), ...data };
  if (!isUser(next.userId)) delete next.userId;
  return next;
}

/** Nothing, null and an empty text are no user: an application that writes them logs out. */
function isUser(userId: unknown): boolean {
  return userId !== undefined && userId !== null && userId !== '';
}

/** A `Cache-Control` that lets no shared cache keep the response: `private` without names of headers. */
const FOR_ONE = /(?:^|,)\s*(?:private|no-store)\s*(?:,|$)/i;

const SAME_SITE = { lax: 'Lax', strict: 'Strict', none: 'None' } as const;

/** Returns the time in whole seconds. */
function now(): number {
  return Math.floor(Date.now() / 1000);
}

/** Responds with 503 while the store fails: the session may be valid. */
async function stored<T>(ask: () => Promise<T>, done: 'read' | 'kept' | 'ended' = 'read'): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw notStored(done, cause);
  }
}

function notStored(done: string, cause: unknown): Fault {
  return new Fault(503, {
    message: `The session cannot be ${done} at the moment.`,
    headers: { 'retry-after': '5' },
    cause,
  });
}

/** Throws `PORTICO_SESSION_DATA` for data that JSON cannot write, and for a user id that is no text. */
function checkData(data: Partial<SessionData>): void {
  const { userId } = data as { readonly userId?: unknown };
  if (isUser(userId) && typeof userId !== 'string') {
    throw new PorticoError('PORTICO_SESSION_DATA', {
      message: `the userId of a session is a text, not ${whatItIs(userId)}`,
      hint: 'Write String(user.id).',
    });
  }
  try {
    JSON.stringify(data);
  } catch (cause) {
    throw new PorticoError('PORTICO_SESSION_DATA', {
      message: `JSON cannot write the data of the session: ${(cause as Error).message.split('\n', 1)[0]!}`,
      hint: 'Keep texts, numbers, lists and objects in it, without cycles.',
      cause,
    });
  }
}
