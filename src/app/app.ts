/**
 * The App contract: what a pipeline is made of.
 *
 * An app ends the response, or hands `req` and `res` to another app, or fails by throwing or rejecting: exactly one of
 * the three. The promise it may return reports failure only; its fulfilment does not mean that the response was sent,
 * for Fastify's and Express's listeners return at once and are apps. `lint` of `portico/testing` checks the rules.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PorticoError, whatItIs } from '../errors/index.js';
import { environ } from './environ.js';
import { wholeTarget } from './request-path.js';
import { limitOf } from './server-state.js';

/** Answers one HTTP request. Same shape as a Node request listener, so any of those is an App. */
export type App = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** Wraps an app in another. Called once, when the pipeline is built; the App it returns serves every request. */
export type Filter = (app: App) => App;

/**
 * Runs `app` and hands what it fails with to `onFailure`: a throw and a rejection alike. An app that returns nothing
 * costs no promise. What `onFailure` throws is the new failure.
 */
export function catching(
  app: App,
  req: IncomingMessage,
  res: ServerResponse,
  onFailure: (error: unknown) => void,
): void | Promise<void> {
  let returned: unknown;
  try {
    returned = app(req, res);
  } catch (error) {
    return onFailure(error);
  }
  // Listeners of other frameworks return whatever they like; only a promise tells of a failure.
  if (typeof (returned as PromiseLike<void> | undefined)?.then !== 'function') return undefined;
  return (returned as Promise<void>).then(undefined, onFailure);
}

/**
 * Closes filters over an app; the first filter is the outermost. A server counts the requests that the app works at, not
 * those that the filters hold. Throws `PORTICO_PIPELINE` for a filter or an app that is not a function.
 */
export function compose(filters: readonly Filter[], app: App): App {
  if (!Array.isArray(filters)) throw noPipeline(`the filters are a list, not ${whatItIs(filters)}`);
  for (const filter of filters as readonly unknown[]) {
    if (typeof filter !== 'function') throw noPipeline(`a filter is a function, not ${whatItIs(filter)}`);
  }
  if (typeof app !== 'function') throw noPipeline(`the app is a function, not ${whatItIs(app)}`);
  const placed = withSlot(connectApp(app));
  const composed = filters.reduceRight((inner, filter) => filter(inner), placed);
  if (composed === placed) return app;
  return typeof composed === 'function' ? takesOwnSlot(composed) : composed;
}

function noPipeline(message: string): PorticoError {
  return new PorticoError('PORTICO_PIPELINE', { message, hint: 'Write compose([outer, inner], app).' });
}

const ORIGINAL: unique symbol = Symbol('portico.originalRequest');

type Copy = IncomingMessage & { [ORIGINAL]?: IncomingMessage };

/** Apps that are called without a slot: they take one further in, or want none. */
const OWN_SLOTS = new WeakSet<App>();

/** The app, called for a request once there is a slot for it. Each request waits in its own async context. */
export function withSlot(app: App): App {
  if (OWN_SLOTS.has(app)) return app;
  const limited: App = (req, res) => {
    const turn = limitOf(req)?.enter((req as Copy)[ORIGINAL] ?? req);
    if (turn === undefined) return app(req, res);
    return turn.then((come) => (come ? app(req, res) : undefined));
  };
  return takesOwnSlot(limited);
}

/** Marks an app that {@link withSlot} is to leave alone: a health check, or a pipeline whose innermost app has it already. */
export function takesOwnSlot<T extends App>(app: T): T {
  OWN_SLOTS.add(app);
  return app;
}

/** Tells that `copy` stands for `original`, which has the slot. */
export function noteOriginal(copy: IncomingMessage, original: IncomingMessage): void {
  (copy as Copy)[ORIGINAL] = (original as Copy)[ORIGINAL] ?? original;
}

/** What such applications read of a request, as their own mounts leave it. */
type Mounted = IncomingMessage & { baseUrl?: string; originalUrl?: string };

/**
 * The app; an Express or Connect application with `req.baseUrl`, `req.originalUrl` and a `req.url` that begins with a slash, as
 * where one of them is mounted in another: it makes redirects and links of them. All others as they are.
 */
export function connectApp(app: App): App {
  if (typeof (app as { handle?: unknown }).handle !== 'function') return app;
  return (req: Mounted, res) => {
    req.originalUrl ??= originalUrl(req);
    req.baseUrl = environ(req).scriptName;
    if (req.url !== undefined && !req.url.startsWith('/')) req.url = `/${req.url}`;
    return app(req, res);
  };
}

/** In canonical spelling; a path that is all of its mount has no slash that its client did not write. */
function originalUrl(req: IncomingMessage): string {
  const target = wholeTarget(req);
  const { originalUrl: received } = environ(req);
  return target.replace(/\/(?=\?|$)/, '') === received ? received : target;
}
