/**
 * The directives of a file for nginx.
 */

/** A directive, and those in its block. */
export interface Directive {
  /** Its name, and its parameters without quotes. */
  readonly words: readonly string[];
  readonly inside: readonly Directive[];
  /** From 1. */
  readonly line: number;
}

/** Comments, quoted words, the three signs, and other words. */
const TOKENS = /#[^\n]*|"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|[{};]|(?:\$\{[^}]*\}|[^\s{};])+/g;

/** Reads what is there; a file that nginx would refuse as far as it goes. */
export function parseNginx(text: string): readonly Directive[] {
  const top: Directive[] = [];
  const blocks: Directive[][] = [top];
  let words: string[] = [];
  let line = 0;
  for (const match of text.matchAll(TOKENS)) {
    const [token, double, single] = match;
    if (token.startsWith('#')) continue;
    if (token === '}') {
      if (blocks.length > 1) blocks.pop();
    } else if (token === ';' || token === '{') {
      const inside: Directive[] = [];
      if (words.length > 0) blocks.at(-1)!.push({ words, inside, line });
      if (token === '{') blocks.push(inside);
      words = [];
    } else {
      if (words.length === 0) line = text.slice(0, match.index).split('\n').length;
      words.push(double ?? single ?? token);
    }
  }
  return top;
}
