/**
 * Failures of an inner app, however it tells them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { App } from './app.js';

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
