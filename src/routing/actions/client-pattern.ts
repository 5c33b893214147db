/**
 * Regular expressions that clients send.
 */
import { runInNewContext } from 'node:vm';
import { Fault } from '../../app/index.js';

/** What bounds a client's expression. */
export interface ClientPatternOptions {
  /** What is searched, for the fault: the parameter's name. Default `pattern`. */
  readonly name?: string;
  /** Its longest text, in characters. Default 255. */
  readonly maxLength?: number;
  /** How long one search may take, in milliseconds. Default 1000. */
  readonly timeoutMs?: number;
}

/**
 * A search for a client's regular expression anywhere in a text. Throws a `Fault` 400 for one that is too long; the
 * search throws it for one that is none, and for one that takes too long, as expressions can that were made to.
 */
export function clientPattern(pattern: string, options: ClientPatternOptions = {}): (text: string) => boolean {
  const { name = 'pattern', maxLength = 255, timeoutMs: timeout = 1000 } = options;
  if (pattern.length > maxLength) throw new Fault(400, { message: `${name} is longer than ${maxLength} characters` });
  return (text) => {
    try {
      // Only there can a search be stopped.
      return runInNewContext('new RegExp(pattern).test(text)', { pattern, text }, { timeout }) as boolean;
    } catch {
      throw new Fault(400, { message: `${name} is no regular expression, or one that takes too long` });
    }
  };
}
