/**
 * An app that is one document.
 */
import type { App, ClosableApp, FaultStyle } from '../../app/index.js';
import type { ActionRequest } from '../actions/action-request.js';
import { Router } from '../router.js';
import type { VersionOptions } from './version-negotiation.js';

/** How a document is served. */
export interface DocumentAppOptions {
  /** How 404 and 405 are written. Default `portico`. */
  readonly faultStyle?: FaultStyle | undefined;
  /** The document is under version negotiation as a router's answers are, and announces its version. Default: it is not. */
  readonly versions?: VersionOptions | undefined;
}

/**
 * Serves one document, GET and HEAD, at the very place it is mounted at: a version document at `/`, or at `/v2.1` and
 * `/v2.1/`. In it `request.url('root')` is the URL of that place. Below it is 404; other methods are 405. `close()` is the router's.
 */
export async function documentApp(
  show: (request: ActionRequest) => unknown,
  options: DocumentAppOptions = {},
): Promise<ClosableApp> {
  const router = new Router({ controllers: { root: { show } }, ...options });
  router.connect('root', '/', { controller: 'root', action: 'show', conditions: { method: ['GET'] } });
  const app = await router.build();
  const listener: App = (req, res) => {
    // Nothing is left of the path where all of it was the mount.
    if (!req.url?.startsWith('/')) req.url = `/${req.url}`;
    return app(req, res);
  };
  return Object.assign(listener, { close: () => app.close() });
}
