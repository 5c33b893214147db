/**
 * The document by which clients learn which versions there are.
 */
import type { VersionOptions } from './version-negotiation.js';

/** What a version document says besides the versions. */
export interface VersionDocumentOptions {
  /** `v2.1`. */
  readonly id: string;
  /** `CURRENT` (default), `SUPPORTED` or `DEPRECATED`. */
  readonly status?: string | undefined;
  /** When the API was changed last, ISO 8601. */
  readonly updated: string;
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
