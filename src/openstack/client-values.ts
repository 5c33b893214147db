/**
 * Values that clients send in a query: booleans and regular expressions.
 */
import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';
import { Fault, quoteClient } from '../app/index.js';

/** As oslo's `bool_from_string` reads them, strictly. */
const [YES, NO] = [/^\s*(?:1|t|true|on|y|yes)\s*$/i, /^\s*(?:0|f|false|off|n|no)\s*$/i];

/** What a client's parameter says: `true`, `1`, `on`, `yes`, `no` and so on, in any case. Throws a `Fault` 400 for anything else. */
export function clientFlag(text: string, { name = 'flag' }: { readonly name?: string } = {}): boolean {
  if (YES.test(text)) return true;
  if (NO.test(text)) return false;
  throw new Fault(400, { message: `Invalid ${name} filter [${quoteClient(text)}]` });
}

/** What bounds a client's expression. */
export interface ClientPatternOptions {
  /** What is searched, for the fault: the parameter's name. Default `pattern`. */
  readonly name?: string;
  /** Its longest text, in characters. Default 255. */
  readonly maxLength?: number;
}

/** How large an expression may be once its repetitions are written out, in steps of its program. */
const MOST_STEPS = 1000;
/** All its counts of repetition multiplied: what is larger takes too long to be written out. */
const MOST_REPETITIONS = 10_000;

/**
 * A search for a client's regular expression anywhere in a text, in RE2's syntax: Perl's without look-around and back
 * references. A search takes time by the length of the text, whatever the expression. Throws a `Fault` 400 for one that is
 * too long; the search throws it for one that is invalid, or repeats too often.
 */
export function clientPattern(pattern: string, options: ClientPatternOptions = {}): (text: string) => boolean {
  const { name = 'pattern', maxLength = 255 } = options;
  if (pattern.length > maxLength) throw new Fault(400, { message: `${name} is longer than ${maxLength} characters` });
  let expression: RE2JS | undefined;
  return (text) => {
    expression ??= compiled(pattern, name);
    return expression.test(text);
  };
}

/** The engine is loaded with the first pattern, in 20 ms: a start does not pay for what few clients send. */
function compiled(pattern: string, name: string): RE2JS {
  const { RE2JS: Engine } = createRequire(import.meta.url)('re2js') as typeof import('re2js');
  try {
    if (repetitions(pattern) > MOST_REPETITIONS) throw new Error('it repeats too often');
    const expression = Engine.compile(pattern);
    if (expression.programSize() > MOST_STEPS) throw new Error('it is too large');
    return expression;
  } catch (cause) {
    throw new Fault(400, { message: `${name} is no regular expression, or one that takes too long`, cause });
  }
}

function repetitions(pattern: string): number {
  let product = 1;
  for (const [, least = '', most] of pattern.matchAll(/\{(\d+)(?:,(\d*))?\}/g))
    product *= Math.max(1, Number(most || least));
  return product;
}
