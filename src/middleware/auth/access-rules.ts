/**
 * Access rules: what a token of an application credential may be used for (OpenStack Identity API v3).
 */
import { writtenPath } from '../../app/index.js';
import type { AccessRule } from './token-validator.js';

/** A token's rules for one type of service, compiled; undefined: there are more, or longer ones, than are judged. */
export type CompiledRules =
  | readonly { readonly method: string; readonly fits: (path: string) => boolean }[]
  | undefined;

/** How many rules of a token for one service are judged. */
export const MOST_RULES = 100;
/** How long the path of a rule may be. Keystone keeps 128 characters. */
export const LONGEST_RULE = 255;

/** Compiles the rules that are for a service of this type; undefined where they are over the limits. */
export function compileRules(rules: readonly AccessRule[], serviceType: string): CompiledRules {
  const own = rules.filter(({ service }) => service === serviceType);
  if (own.length > MOST_RULES || own.some(({ path }) => path.length > LONGEST_RULE)) return undefined;
  return own.map(({ method, path }) => ({ method, fits: pathTest(path) }));
}

/** Whether one of the rules lets a request through. `path` as `requestPath(req)` gives it. */
export function isAllowed(rules: CompiledRules, method: string, path: string): boolean {
  return rules?.some((rule) => rule.method === method && rule.fits(path)) === true;
}

const ANYTHING = '**';
const SLASH = '/'.charCodeAt(0);
/** How many states one number holds. */
const BITS = 32;

/**
 * Compiles the path of a rule, for paths that are decoded and without query: `*` and `{name}` are one segment or a part of one, not empty; `**` is anything; all else is
 * itself, percent-encoded or not. Callers write rules, so nothing is tried again: the set of positions in the pattern that the path
 * may have led to is a set of bits, moved on by each character (Baeza-Yates and Gonnet's shift-and).
 */
export function pathTest(pattern: string): (path: string) => boolean {
  const tokens = tokensOf(pattern);
  const words = Math.floor(tokens.length / BITS) + 1;
  const anything = new Int32Array(words);
  const segment = new Int32Array(words);
  const literals = new Map<number, Int32Array>();
  for (const [at, token] of tokens.entries()) {
    if (typeof token === 'number' && !literals.has(token)) literals.set(token, new Int32Array(words));
    const bits = typeof token === 'number' ? literals.get(token)! : token === ANYTHING ? anything : segment;
    bits[at >> 5]! |= 1 << at;
  }
  const none = new Int32Array(words);
  const end = 1 << tokens.length;
  return (path) => {
    const states = new Int32Array(words);
    states[0] = 1 | ((anything[0]! & 1) << 1);
    for (let at = 0; at < path.length; at++) {
      const char = path.charCodeAt(at);
      const literal = literals.get(char) ?? none;
      let alive = 0;
      let moved = 0;
      let passed = 0;
      for (let word = 0; word < words; word++) {
        const state = states[word]!;
        const within = char === SLASH ? 0 : state & segment[word]!;
        const left = within | (state & literal[word]!);
        let next = (left << 1) | moved | within | (state & anything[word]!) | passed;
        moved = left >>> 31;
        // A pattern that takes anything takes the empty path, too. No two of them are together.
        const empty = next & anything[word]!;
        next |= empty << 1;
        passed = empty >>> 31;
        states[word] = next;
        alive |= next;
      }
      if (alive === 0) return false;
    }
    return (states[words - 1]! & end) !== 0;
  };
}

/** Wildcards, and the characters of all else. */
function tokensOf(pattern: string): (number | '*' | '**')[] {
  const tokens: (number | '*' | '**')[] = [];
  for (const part of pattern.split(/(\*\*|\*|\{[^{}/]*\})/)) {
    if (part === ANYTHING) {
      if (tokens.at(-1) !== ANYTHING) tokens.push(ANYTHING);
    } else if (part === '*' || /^\{[^{}/]*\}$/.test(part)) tokens.push('*');
    else for (let at = 0, text = writtenPath(part); at < text.length; at++) tokens.push(text.charCodeAt(at));
  }
  return tokens;
}
