/**
 * Counts the tokens of code: what a reader has to take in. Comments weigh nothing and a text is one token, so that explaining costs nothing
 * and formatting gains nothing.
 */
import type TS from 'typescript';
import { ts } from './fixtures/typescript.js';

const Kind = ts.SyntaxKind;

/** Reserved words and punctuation behind which a slash divides; names and literals are others. */
const DIVIDED: ReadonlySet<TS.SyntaxKind> = new Set([
  Kind.CloseBraceToken,
  Kind.CloseBracketToken,
  Kind.CloseParenToken,
  Kind.ThisKeyword,
]);

/** Reports whether a slash behind a token divides; else it begins a regular expression. */
function divides(before: TS.SyntaxKind): boolean {
  const isLiteral = before >= Kind.FirstLiteralToken && before <= Kind.LastTemplateToken;
  // Words without a reserved meaning are names: `type`, `of`.
  const isName = before === Kind.Identifier || before === Kind.PrivateIdentifier || before > Kind.LastReservedWord;
  return isLiteral || isName || DIVIDED.has(before);
}

/** Returns the number of tokens in TypeScript. */
export function tokensIn(text: string): number {
  const scanner = ts.createScanner(ts.ScriptTarget.ESNext, true, ts.LanguageVariant.Standard, text);
  /** The open braces in each `${` of a template. */
  const open: number[] = [];
  let count = 0;
  let before: TS.SyntaxKind = Kind.SemicolonToken;
  for (let kind = scanner.scan(); kind !== Kind.EndOfFileToken; kind = scanner.scan()) {
    if ((kind === Kind.SlashToken || kind === Kind.SlashEqualsToken) && !divides(before))
      kind = scanner.reScanSlashToken();
    if (kind === Kind.CloseBraceToken && open.at(-1) === 0) kind = scanner.reScanTemplateToken(false);
    if (kind === Kind.TemplateHead) open.push(0);
    else if (kind === Kind.TemplateTail) open.pop();
    else if (kind === Kind.OpenBraceToken && open.length > 0) open[open.length - 1]! += 1;
    else if (kind === Kind.CloseBraceToken && open.length > 0) open[open.length - 1]! -= 1;
    // A template is one token, and its expressions.
    if (kind !== Kind.TemplateMiddle && kind !== Kind.TemplateTail) count += 1;
    before = kind;
  }
  return count;
}
