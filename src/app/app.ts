/**
 * The App contract: what a pipeline is made of.
 *
 * An app ends the response, or hands `req` and `res` to another app, or fails by throwing or rejecting: exactly one of
 * the three. The promise it may return reports failure only; its fulfilment does not mean that the response was sent,
 * for Fastify's and Express's listeners return at once and are apps. `lint` of `portico/testing` checks the rules.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers one HTTP request. Same shape as a Node request listener, so any of those is an App. */
export type App = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** An App that holds something until it is closed. */
export interface ClosableApp extends App {
  /** Releases it; requests must have ended. Safe to call twice. */
  close(): Promise<void>;
}

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
