/**
 * The document by which clients learn which versions there are, and an app that serves it.
 */
import type { App, ClosableApp, FaultStyle } from '../app/index.js';
import { type ActionRequest, Router, type VersionOptions } from '../routing/index.js';

/** Members of a version document beside the versions. */
export interface VersionDocumentOptions {
  /** `v2.1`. */
  readonly id: string;
  /** `CURRENT` (default), `SUPPORTED` or `DEPRECATED`. */
  readonly status?: string | undefined;
  /** When the API was changed last, ISO 8601. */
  readonly updated: string;
  /** Links to the API and its documentation. */
  readonly links: readonly { readonly rel: string; readonly href: string; readonly type?: string }[];
}

/** A version of an API, as OpenStack's clients read it. */
export interface VersionDocument {
  readonly id: string;
  readonly status: string;
  /** The highest version. */
  readonly version: string;
  /** The lowest version. */
  readonly min_version: string;
  readonly updated: string;
  readonly links: VersionDocumentOptions['links'];
}

/** The document for a router's versions. */
export function versionDocument(versions: VersionOptions, options: VersionDocumentOptions): VersionDocument {
  const { id, status = 'CURRENT', updated, links } = options;
  return { id, status, version: versions.max, min_version: versions.min, updated, links };
}

/** How a document is served. */
export interface DocumentAppOptions {
  /** How 404 and 405 are written. Default: as the API has it. */
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
