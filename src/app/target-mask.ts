/**
 * What must not get into a log: credentials in query strings.
 */

const MASK = '****';
/** Whole names, and names that end in one: `access_token`, `X-Amz-Signature`. */
const SECRET_PARAMETER = /(?:^|[^a-z0-9])(?:token|password|secret|signature)$/;

/** Makes a request target fit for the log: values of secret query parameters replaced. `extra` are further names. */
export function targetMask(extra: readonly string[]): (target: string) => string {
  const names = new Set(extra.map((name) => name.toLowerCase()));
  const isSecret = (name: string): boolean => SECRET_PARAMETER.test(name) || names.has(name);
  return (target) => {
    const query = target.indexOf('?');
    if (query < 0) return target;
    const masked = target.slice(query + 1).replace(/([^&;=]*)=([^&;]*)/g, (pair, name: string) => {
      return isSecret(decoded(name)) ? `${name}=${MASK}` : pair;
    });
    return `${target.slice(0, query + 1)}${masked}`;
  };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}
