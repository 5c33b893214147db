/**
 * The kind of a check: a literal of Python, `True:%(enabled)s` or `'open':%(state)s`, or a path into the credentials. Other expressions, which
 * Python would evaluate, are refused.
 */

/** A kind: the text of a literal, or a path into the credentials. */
export type Kind = { readonly literal: string } | { readonly path: readonly string[] };

const LITERAL = /^(?:(True|False|None|0|-?[1-9]\d*)|'([^'\\\p{C}]*)'|"([^"\\\p{C}]*)")$/u;
const NAME = /^[\p{XID_Start}_]\p{XID_Continue}*$/u;
/** Words that are no names in Python. */
const KEYWORDS = new Set(
  `and as assert async await break class continue def del elif else except finally for from global if import in is lambda
  nonlocal not or pass raise return try while with yield`.split(/\s+/),
);

/** Returns what a kind means; undefined if it is no name and no literal. */
export function readKind(kind: string): Kind | undefined {
  const [, word, single, double] = LITERAL.exec(kind) ?? [];
  const literal = word ?? single ?? double;
  if (literal !== undefined) return { literal };
  // `project-id` is a subtraction in Python, which has no value, so it is a path as well.
  const names = kind.split(/[.-]/);
  return names.every((name) => NAME.test(name) && !KEYWORDS.has(name)) ? { path: kind.split('.') } : undefined;
}
