/**
 * What follows from a token alone, worked out once.
 */
import type { TokenInfo } from './token-validator.js';

/** Remembers what `make` gave for what a token says, for as long as that is remembered itself. It never changes. */
export function oncePerToken<T>(make: (info: TokenInfo) => T): (info: TokenInfo) => T {
  const made = new WeakMap<TokenInfo, { readonly value: T }>();
  return (info) => {
    let known = made.get(info);
    if (known === undefined) {
      known = { value: make(info) };
      made.set(info, known);
    }
    return known.value;
  };
}
