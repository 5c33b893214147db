/**
 * An Express or Connect application as an App: it wants to know what a mount has cut off its path.
 */
import type { IncomingMessage } from 'node:http';
import type { App } from './app.js';
import { environ } from './environ.js';
import { wholeTarget } from './request-path.js';

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
