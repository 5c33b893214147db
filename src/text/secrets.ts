/**
 * Recognises secrets: names whose values are secret, and passwords in addresses. Logs, errors, dumps and titles ask here.
 */

/** Replacement of a secret. */
export const masked = '****';

/** A name whose words, written together, end in one of these. */
const ENDINGS =
  /(?:password|passwd|passphrase|passcode|secret|token|signature|credential|authorization|cookie|jwt|adminpass|sess(?:ion)?id|(?:api|access|private|secret|signing|encryption|shared|master|account|storage|client|auth|hmac|license)key|(?<!by|com|im|sur|tres|over|under)pass|(?<!old)pwd)s?(?:v?\d+)?$/;
/** Its last word: too short to be looked for in others. */
const WORDS: ReadonlySet<string> = new Set(['pass', 'pwd', 'sig', 'auth', 'otp', 'bearer', 'session', 'sid']);
/** Words behind a name that say which one it is, and not what. */
const SAYS_WHICH: ReadonlySet<string> = new Set(
  'base value text hash plain old new current previous confirmation'.split(' '),
);

/**
 * Whether what is behind a name can hardly be anything but a secret: `X-Auth-Password`, `apiKey`, `user[token]`, `sig`.
 * `key_file` and `token_expiration` are none: the last word decides.
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

/** Values that are no secrets: switches, and numbers too short for one. */
const PLAIN = /^[^:=]*[:=]\s*(?:true|false|yes|no|on|off|none|\d{1,5})\s*$/i;

/** A line of a file without what it assigns: where the option is not declared, that may be a secret. A switch or a small number is none. */
export function maskAssigned(text: string): string {
  if (PLAIN.test(text) && !looksSecret(text.replace(/[:=].*$/s, '').trim())) return text;
  return text.replace(/^([^:=]*[:=]\s*)\S.*$/s, `$1${masked}`);
}

/**
 * Takes the password out of every URI in a text, `amqp://rabbit:****@host/`, a secret that is in the user's place, and
 * what looks secret out of query and fragment. All between the first colon and the last `@` of the line is the password,
 * whatever it holds: rather too much is masked than a part of a password shown. The port of a web address is not masked.
 */
export function maskUris(text: string): string {
  const pieces = text.split('://');
  return pieces
    .map((piece, at) => (at === 0 ? piece : maskBehindScheme(piece, WEB.test(pieces[at - 1]!.slice(-5)))))
    .join('://');
}

const WEB = /(?:https?|wss?)$/i;
const WEB_PORT = /^:\d{1,5}(?=[/?#\s]|$|["'<>,;.)\]}](?:\W|$))/;
/** Characters that end a user's name, or a host. */
const USER_END = /[\s"<>:/?#@]/;
const LINE_END = /[\r\n]/;
/** Characters that end a query. An apostrophe inside a word belongs to the query. */
const URI_END = /[\s"<>]|'(?!\w)/;
/** A user's name of that length is rather a token. */
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

/** The pairs of query and fragment with their secret values replaced. */
function maskQuery(text: string): string {
  const end = text.search(URI_END);
  const uri = end < 0 ? text : text.slice(0, end);
  const shown = uri.replaceAll(/[^?#&;]+/g, (pair) => {
    const equals = pair.indexOf('=');
    return equals > 0 && looksSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${masked}` : pair;
  });
  return end < 0 ? shown : shown + text.slice(end);
}
