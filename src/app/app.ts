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

/** Wraps an app in another. Called once, when the pipeline is built; the App it returns serves every request. */
export type Filter = (app: App) => App;

/** Closes filters over an app; the first filter is the outermost. */
export function compose(filters: readonly Filter[], app: App): App {
  return filters.reduceRight((inner, filter) => filter(inner), app);
}
