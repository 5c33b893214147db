/**
 * What links begin with: scheme, host and prefix as the client sees them.
 */
import type { IncomingMessage } from 'node:http';
import { environ, remoteOf } from '../../app/index.js';

/** Surroundings for URLs, and what is put in front of them. */
export interface LinkBase {
  readonly prefix: string;
  readonly scriptName: string;
  readonly host: string;
  readonly scheme: string;
}

/**
 * From what proxy_headers resolved, else from the connection and its `Host`. `linkPrefix` replaces scheme, host and
 * whatever stands before the router's own prefix.
 */
export function absoluteUrl(req: IncomingMessage, linkPrefix: string | undefined): LinkBase {
  const { scheme, host = 'localhost' } = remoteOf(req);
  const prefix = linkPrefix === undefined ? `${scheme}://${host}` : linkPrefix.replace(/\/+$/, '');
  return { prefix, scriptName: environ(req).scriptName, host, scheme };
}
