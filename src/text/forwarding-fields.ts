/** Header fields by which proxies report on the requests that they forward. */

/**
 * Families of these fields: `forwarded` (RFC 7239); `x-forwarded`, the fields that proxies had before it; `via` (RFC 9110 §7.6.3), which says
 * nothing about the client.
 */
export type ForwardingFamily = 'forwarded' | 'x-forwarded' | 'via';

/** Returns the family of a field, by its name in lower case: `x-forwarded-for`, `x-real-ip`; undefined for any other field. */
export function forwardingFamily(name: string): ForwardingFamily | undefined {
  if (name === 'forwarded' || name === 'via') return name;
  return /^x-(?:forwarded|real)(?:-|$)/.test(name) ? 'x-forwarded' : undefined;
}
