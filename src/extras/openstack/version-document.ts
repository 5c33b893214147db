/** The version document of an API, and an app that serves it. */
import type { App, ClosableApp, FaultStyle } from 'portico/app';
import { type ActionRequest, Router, type VersionOptions } from 'portico/routing';

/** Members of a version document besides the versions. */
export interface VersionDocumentOptions {
  /** Id of the version, such as `v2.1`. */
  readonly id: string;
  /** `CURRENT` (default), `SUPPORTED` or `DEPRECATED`. */
  readonly status?: string | undefined;
  /** Time of the last change of the API, in ISO 8601. */
  readonly updated: string;
  /** Links to the API and its documentation. */
  readonly links: readonly { readonly rel: string; readonly href: string; readonly type?: string }[];
}

/** A version of an API, in the form of OpenStack's APIs. */
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

/** Returns the document for a router's versions. */
export function versionDocument(versions: VersionOptions, options: VersionDocumentOptions): VersionDocument {
  const { id, status = 'CURRENT', updated, links } = options;
  return { id, status, version: versions.max, min_version: versions.min, updated, links };
}

/** Options of {@link documentApp}. */
export interface DocumentAppOptions {
  /** Format of the faults 404 and 405. Default: the API's. */
  readonly faultStyle?: FaultStyle | undefined;
  /** Applies version negotiation to the document and announces its version. Default: no negotiation. */
  readonly versions?: VersionOptions | undefined;
}

/**
 * Returns an app that serves one document, for GET and HEAD, exactly at its mount path: a version document at `/`, or at `/v2.1` and
 * `/v2.1/`. There, `request.url('root')` is the URL of the document. Paths below get 404; other methods get 405. `close()` closes the
 * router.
 */
export async function documentApp(
  show: (request: ActionRequest) => unknown,
  options: DocumentAppOptions = {},
): Promise<ClosableApp> {
  const router = new Router({ controllers: { root: { show } }, ...options });
  router.connect('root', '/', { controller: 'root', action: 'show', conditions: { method: ['GET'] } });
  const app = await router.build();
  const listener: App = (req, res) => {
    // The path is empty if all of it was the mount prefix.
    if (!req.url?.startsWith('/')) req.url = `/${req.url}`;
    return app(req, res);
  };
  return Object.assign(listener, { close: () => app.close() });
}
