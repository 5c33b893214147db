/**
 * What links begin with: scheme, host and prefix as the client sees them.
 */
import type { IncomingMessage } from 'node:http';
import { environ } from '../app/index.js';

/** Surroundings for URLs, and what is put in front of them. */
export interface LinkBase {
  readonly prefix: string;
  readonly scriptName: string;
  readonly host: string;
  readonly scheme: string;
}

/** What the proxy_headers filter resolved of a request. */
interface Remote {
  readonly host?: string | undefined;
  readonly scheme?: string | undefined;
}

/**
 * From what proxy_headers resolved, else from the connection and its `Host`. `linkPrefix` replaces scheme, host and
 * whatever stands before the router's own prefix.
 */
export function absoluteUrl(req: IncomingMessage, linkPrefix: string | undefined): LinkBase {
  const env = environ(req);
  const remote = (env as { remote?: Remote }).remote;
  const encrypted = (req.socket as { encrypted?: boolean } | null)?.encrypted === true;
  const scheme = remote?.scheme ?? (encrypted ? 'https' : 'http');
  const host = remote?.host ?? req.headers.host ?? 'localhost';
  const prefix = linkPrefix === undefined ? `${scheme}://${host}` : linkPrefix.replace(/\/+$/, '');
  return { prefix, scriptName: env.scriptName, host, scheme };
}
