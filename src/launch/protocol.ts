/**
 * The version of the messages between a parent and its workers. The two may differ: a worker loads the Portico that is on disk, possibly a
 * later one behind a link that a reload follows, while the parent runs the one that it has loaded.
 */

/**
 * Version of the protocol. Increase it with each change that the other side would not understand: in a message, or in the configuration and
 * settings of the first one. The fields `protocol` and `version`, and the message `failed`, must never change: with them a worker tells the
 * parent that the two do not fit.
 */
export const PROTOCOL = 2;

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
