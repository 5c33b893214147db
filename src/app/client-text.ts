/**
 * Text from a client, made fit for logs and messages: short, printable, without the credentials of a query.
 */
import { unescape as decoded } from 'node:querystring';
import { escapedText, looksSecret, masked } from '../text/index.js';

/**
 * Makes a request target fit for the log: values of query parameters replaced whose names look secret. `extra` are further
 * names.
 */
export function targetMask(extra: readonly string[]): (target: string) => string {
  const names = new Set(extra.map((name) => name.toLowerCase()));
  const isSecret = (written: string): boolean => {
    const name = decoded(written.replaceAll('+', ' '));
    return looksSecret(name) || names.has(name.toLowerCase());
  };
  // Pair by pair, and not a name up to its sign: the search for a sign that is not there began anew at each character.
  const maskPair = (pair: string): string => {
    const equals = pair.indexOf('=');
    return equals >= 0 && isSecret(pair.slice(0, equals)) ? `${pair.slice(0, equals)}=${masked}` : pair;
  };
  return (target) => {
    const query = target.indexOf('?');
    return query < 0 ? target : target.slice(0, query + 1) + target.slice(query + 1).replace(/[^&;]+/g, maskPair);
  };
}

/** At most 200 characters, what is no printable text escaped. */
export function quoteClient(text: string): string {
  return escapedText(text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);
}

const LONGEST = 200;
