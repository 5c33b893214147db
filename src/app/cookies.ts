/** Cookies of a request (RFC 6265 §5.4). */

/** Returns the cookies by name; the first of several of one name. A value that is no percent-encoded text is unchanged. */
export function cookiesOf(header: string | undefined): Readonly<Record<string, string>> {
  const cookies = Object.create(null) as Record<string, string>;
  for (const pair of header?.split(';') ?? []) {
    const mark = pair.indexOf('=');
    const name = pair.slice(0, mark).trim();
    if (mark > 0 && cookies[name] === undefined) cookies[name] = decoded(pair.slice(mark + 1).trim());
  }
  return cookies;
}

function decoded(written: string): string {
  const value = written.length > 1 && written.startsWith('"') && written.endsWith('"') ? written.slice(1, -1) : written;
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
