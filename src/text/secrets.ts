/** Recognizes secrets: names with secret values, and passwords in URIs. For logs, errors, dumps and titles. */

/** Replacement of a secret. */
export const masked = '****';

/** Endings of names of secrets, for the last words joined together. */
const ENDINGS =
  /(?:password|passwd|passphrase|passcode|secret|token|signature|credential|authorization|cookie|jwt|adminpass|sess(?:ion)?id|(?:api|access|private|secret|signing|encryption|shared|master|account|storage|client|auth|hmac|license)key|(?<!by|com|im|sur|tres|over|under)pass|(?<!old)pwd)s?(?:v?\d+)?$/;
/** Last words of such names that are too short to match as an ending. */
const WORDS: ReadonlySet<string> = new Set(['pass', 'pwd', 'sig', 'auth', 'otp', 'bearer', 'session', 'sid']);
/** Last words that qualify a name and do not say what it is. */
const SAYS_WHICH: ReadonlySet<string> = new Set(
  'base value text hash plain old new current previous confirmation'.split(' '),
);

/**
 * Reports whether the value of a name is most likely a secret: `X-Auth-Password`, `apiKey`, `user[token]`, `sig`. The last word decides,
 * so `key_file` and `token_expiration` are not.
 */
export function looksSecret(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]/)
    .filter((word) => word !== '' && !/^v?\d+$/.test(word));
  while (words.length > 1 && SAYS_WHICH.has(words.at(-1)!)) words.pop();
  return WORDS.has(words.at(-1) ?? '') || ENDINGS.test(words.slice(-3).join(''));
}

/** Reports whether values with this name are left out of messages to others: also names with such a word anywhere. */
export function isSecretName(name: string): boolean {
  return looksSecret(name) || /secret|token|private|credential/i.test(name);
}

/** Values that are not secrets: switches, and numbers too short for one. */
const PLAIN = /^(?:true|false|yes|no|on|off|none|\d{1,5})\s*$/i;

/**
 * Masks the value of an undeclared option, because it may be a secret. Keeps switches and small numbers, unless the name looks secret.
 */
export function maskUndeclared(name: string, value: string): string {
  return PLAIN.test(value) && !looksSecret(name) ? value : masked;
}

/** Masks the value in a line of a file, as {@link maskUndeclared} does. A section header without its end, `[filter:team`, has no value. */
export function maskAssigned(text: string): string {
  if (UNCLOSED.test(text)) return text;
  return text.replace(/^([^:=]*)([:=]\s*)(\S.*)$/s, (_, name: string, equals: string, value: string) => {
    return `${name}${equals}${maskUndeclared(name.trim(), value)}`;
  });
}

/** A section header of a paste file without its end. */
const UNCLOSED = /^\s*\[(?:app|application|composite|composit|filter|filter-app|pipeline|server):\s*[\w.-]+\s*$/;

/** An option of sections of a paste file whose name begins a line without `=`. */
const KNOWN = /^(\s*(?:pipeline|use|app|paste\.\w+)\s+)(?=\S)/;

/**
 * Masks a line of a file that cannot be read: shows only the name of a section, of an assignment or of a common option, because all else may
 * be a secret whose name was forgotten.
 */
export function maskUnread(line: string): string {
  const [section] = /^\s*\[(?:[^\]]*\])?/.exec(line) ?? [];
  if (section?.endsWith(']')) return maskUris(section) + withoutText(line.slice(section.length));
  if (section !== undefined) return maskUris(line);
  if (/[:=]/.test(line)) return maskAssigned(line);
  const [known = ''] = KNOWN.exec(line) ?? [];
  return known + withoutText(line.slice(known.length));
}

/** Masks a text, except for the white space before it. */
export function withoutText(text: string): string {
  return text.replace(/\S.*$/s, masked);
}

/**
 * Masks the password in every URI of a text (`amqp://rabbit:****@host/`), a secret in place of the user, and secrets in query and
 * fragment. The password extends from the first colon to the last `@` of the line, whatever it contains: masking too much is better than
 * showing part of a password. The port of a web address is kept.
 */
export function maskUris(text: string): string {
  const pieces = text.split('://');
  return pieces
    .map((piece, at) => (at === 0 ? piece : maskBehindScheme(piece, WEB.test(pieces[at - 1]!.slice(-5)))))
    .join('://');
}

const WEB = /(?:https?|wss?)$/i;
const WEB_PORT = /^:\d{1,5}(?=[/?#\s]|$|["'<>,;.)\]}](?:\W|$))/;
/** Characters that end a user name or a host. */
const USER_END = /[\s"<>:/?#@]/;
const LINE_END = /[\r\n]/;
/** Characters that end a query. An apostrophe inside a word belongs to the query. */
const URI_END = /[\s"<>]|'(?!\w)/;
/** User names of at least this length are masked as tokens. */
const TOKEN_LENGTH = 20;

function maskBehindScheme(text: string, isWeb: boolean): string {
  const userEnd = text.search(USER_END);
  if (text[userEnd] === '@') {
    const shown = isWeb || userEnd >= TOKEN_LENGTH ? masked : text.slice(0, userEnd);
    return shown + maskQuery(text.slice(userEnd));
  }
  if (text[userEnd] !== ':' || (isWeb && WEB_PORT.test(text.slice(userEnd, userEnd + 9)))) return maskQuery(text);
  const lineEnd = text.search(LINE_END);
  const at = text.lastIndexOf('@', lineEnd < 0 ? text.length : lineEnd);
  if (at < userEnd) return maskQuery(text);
  const user = userEnd >= TOKEN_LENGTH ? masked : text.slice(0, userEnd);
  return `${user}:${masked}${maskQuery(text.slice(at))}`;
}

/** Masks secret values in query and fragment. */
function maskQuery(text: string): string {
  const end = text.search(URI_END);
  const uri = end < 0 ? text : text.slice(0, end);
  const shown = uri.replaceAll(/[^?#&;]+/g, (pair) => {
    const equals = pair.indexOf('=');
    return equals > 0 && looksSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${masked}` : pair;
  });
  return end < 0 ? shown : shown + text.slice(end);
}
