/** Text from clients for logs and messages: short, printable, without credentials. */
import { unescape as decoded } from 'node:querystring';
import { escapedText, looksSecret, masked, maskUris } from '../../text/index.js';

/**
 * Returns a function that masks a request target for the log: it replaces values of query parameters whose names look secret or are in
 * `extra`, and the password of a URI, such as a target in absolute form: `http://user:****@host/path`.
 */
export function targetMask(extra: readonly string[]): (target: string) => string {
  const names = new Set(extra.map((name) => name.toLowerCase()));
  const isSecret = (written: string): boolean => {
    const name = decoded(written.replaceAll('+', ' '));
    return looksSecret(name) || names.has(name.toLowerCase());
  };
  // Splits into pairs first: a regular expression that looks for a missing "=" would start again at each character.
  const maskPair = (pair: string): string => {
    const equals = pair.indexOf('=');
    return equals >= 0 && isSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${masked}` : pair;
  };
  return (sent) => {
    const target = sent.includes('://') ? maskUris(sent) : sent;
    const query = target.indexOf('?');
    return query < 0 ? target : target.slice(0, query + 1) + target.slice(query + 1).replace(/[^&;]+/g, maskPair);
  };
}

/** Returns at most 200 characters, with unprintable ones escaped. */
export function quoteClient(text: string): string {
  return escapedText(text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
}

const LONGEST = 200;
