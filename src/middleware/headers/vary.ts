/**
 * The Vary header, RFC 9110 §12.5.5.
 */
import type { ServerResponse } from 'node:http';

/** Adds names to `Vary`, keeping what is there; each name once, in any case; nothing to `*`. */
export function appendVary(res: ServerResponse, ...names: readonly string[]): void {
  const present = res.getHeader('vary');
  const text = Array.isArray(present) ? present.join(', ') : String(present ?? '');
  const list = text.split(',').flatMap((name) => (name.trim() === '' ? [] : [name.trim()]));
  const known = new Set(list.map((name) => name.toLowerCase()));
  if (known.has('*')) return;
  const missing = names.filter((name) => !known.has(name.toLowerCase()));
  if (missing.length > 0) res.setHeader('vary', [...list, ...missing].join(', '));
}
