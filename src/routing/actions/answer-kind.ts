/**
 * Values that are sent in chunks.
 */

/**
 * Returns whether a value is a stream, an async iterable or a Fetch response; undefined for values that are written as JSON, including an
 * async iterable with data members. A response is recognized by its tag: a reference to its class would load all of fetch, which few
 * services use.
 */
export function kindOf(value: unknown): 'stream' | 'chunks' | 'response' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const members = value as Readonly<Record<string | symbol, unknown>>;
  const { [Symbol.toStringTag]: tag, [Symbol.asyncIterator]: iterate, pipe, getReader } = members;
  if (tag === 'Response') return 'response';
  if (typeof pipe === 'function' || typeof getReader === 'function') return 'stream';
  if (typeof iterate !== 'function' || typeof members.toJSON === 'function') return undefined;
  return Object.values(members).every((member) => typeof member === 'function') ? 'chunks' : undefined;
}
