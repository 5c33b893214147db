/**
 * The App contract: the building blocks of a pipeline.
 *
 * An app does exactly one of three things: it ends the response, passes `req` and `res` to another app, or fails by throwing or
 * rejecting. The promise that it may return reports only failure; fulfilment does not mean that the response was sent, because listeners
 * of Fastify and Express return at once and are apps too. `lint` of `portico/testing` checks these rules.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Responds to one HTTP request. It has the shape of a Node request listener, so any request listener is an App. */
export type App = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** An App that holds resources until it is closed. */
export interface ClosableApp extends App {
  /** Releases its resources; no request may be in flight. Safe to call twice. */
  close(over?: AbortSignal): Promise<void>;
}

/** Wraps an app in another. Called once, when the pipeline is built; the App it returns serves every request. */
export type Filter = (app: App) => App;

/** Called with the failure of an app, a throw or a rejection. */
export type OnFailure = (error: unknown, req: IncomingMessage, res: ServerResponse) => void;

/**
 * Returns an app that runs `app` and passes its failure to `onFailure`. An app that returns nothing costs no promise. An error thrown by
 * `onFailure` replaces the failure.
 */
export function catching(app: App, onFailure: OnFailure): App {
  return (req, res) => {
    let returned: unknown;
    try {
      returned = app(req, res);
    } catch (error) {
      return onFailure(error, req, res);
    }
    // Listeners of other frameworks may return anything; only a promise reports a failure.
    if (typeof (returned as PromiseLike<void> | undefined)?.then !== 'function') return undefined;
    return rejecting(returned as Promise<void>, onFailure, req, res);
  };
}

/** Apart from `catching`, in which a closure would take memory for every request. */
function rejecting(app: Promise<void>, onFailure: OnFailure, req: IncomingMessage, res: ServerResponse): Promise<void> {
  return app.then(undefined, (error: unknown) => onFailure(error, req, res));
}

/** Calls an app, and `left` when it has returned, or what it returned has settled: with its error if it failed. */
export function observed(
  app: App,
  req: IncomingMessage,
  res: ServerResponse,
  left: (failure?: { readonly error: unknown }) => void,
): void | Promise<void> {
  let returned: void | Promise<void>;
  try {
    returned = app(req, res);
  } catch (error) {
    left({ error });
    throw error;
  }
  if (isThenable(returned))
    returned.then(
      () => left(),
      (error: unknown) => left({ error }),
    );
  else left();
  return returned;
}

/** Reports whether a function is declared `async`: where a plain result is needed, its promise is an error. */
export function isAsync(value: unknown): boolean {
  return typeof value === 'function' && value.constructor.name === 'AsyncFunction';
}

/** Reports whether a value must be awaited. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
}
