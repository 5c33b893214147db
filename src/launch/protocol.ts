/**
 * The version of what a parent and its workers send each other. A worker loads the Portico that is on disk, and a reload may follow a link to another
 * one, while the parent runs the one that it has loaded.
 */

/**
 * Raise it with a change that the other side would not understand: of the messages, or of the configuration and settings in the first one. This field,
 * `version` and the message `failed` must never change: with them a worker tells the parent that the two do not fit.
 */
export const PROTOCOL = 1;

/** Fields of the first message by which a worker knows its parent; earlier releases send none. */
export interface Spoken {
  readonly protocol?: number;
  /** Version of Portico in the parent, as it was at its start. */
  readonly version?: string | undefined;
}

/** Code of {@link otherParent}. */
export const OTHER_VERSION = 'PORTICO_OTHER_VERSION';

/** Returns the message of a worker that its parent would not understand. `own`: the version of Portico in the worker. */
export function otherParent({ version }: Spoken, own: string | undefined): string {
  const parent =
    version === undefined
      ? 'a parent of an earlier Portico'
      : `a parent of ${version === own ? 'another build of ' : ''}Portico ${version}`;
  return `worker of Portico ${own ?? 'unknown'} for ${parent}: restart the service`;
}
