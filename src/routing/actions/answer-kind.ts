/**
 * Values that are sent piece by piece.
 */

/**
 * Whether a value is a stream or an answer of fetch; undefined for all that is written as JSON. The answer is known by its
 * tag: naming the class would load all of fetch, which few services use.
 */
export function kindOf(value: unknown): 'stream' | 'response' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { [Symbol.toStringTag]: tag, pipe, getReader } = value as Readonly<Record<string | symbol, unknown>>;
  if (tag === 'Response') return 'response';
  return typeof pipe === 'function' || typeof getReader === 'function' ? 'stream' : undefined;
}
