/** Access rules of application credentials, which limit the requests that a token allows (OpenStack Identity API v3). */
import { writtenPath } from '../../app/internal.js';
import type { AccessRule } from './token-validator.js';

/** The compiled rules of a token for one service type; undefined if the rules exceed the limits. */
export type CompiledRules =
  | readonly { readonly method: string; readonly fits: (path: string) => boolean }[]
  | undefined;

/** Maximum number of rules of a token for one service. A token with more is refused. */
export const MOST_RULES = 100;
/** Maximum length of the path of a rule, in characters. Keystone stores 128 characters. */
export const LONGEST_RULE = 255;

/** Compiles the rules for this service type. Returns undefined if they exceed {@link MOST_RULES} or {@link LONGEST_RULE}. */
export function compileRules(rules: readonly AccessRule[], serviceType: string): CompiledRules {
  const own = rules.filter(({ service }) => service === serviceType);
  if (own.length > MOST_RULES || own.some(({ path }) => path.length > LONGEST_RULE)) return undefined;
  return own.map(({ method, path }) => ({ method, fits: pathTest(path) }));
}

/** Reports whether one of the rules allows a request. `path` is the result of `requestPath(req)`. */
export function isAllowed(rules: CompiledRules, method: string, path: string): boolean {
  return rules?.some((rule) => rule.method === method && rule.fits(path)) === true;
}

const ANYTHING = '**';
const SLASH = '/'.charCodeAt(0);
/** Number of states in one integer. */
const BITS = 32;

/**
 * Compiles the path of a rule to a test of decoded paths without a query. `*` and `{name}` match one or more characters within a
 * segment, so also a part of a segment; `**` matches any text, also none; other characters match themselves, percent-encoded or not.
 *
 * Clients write the rules, so the match never backtracks: a bit set holds the positions in the pattern that the path can have reached,
 * and each character advances it (the shift-and algorithm of Baeza-Yates and Gonnet).
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
        // `**` also matches the empty string. Two of them are never adjacent.
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

/** Splits a pattern into wildcards and character codes. */
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
