/**
 * The kind of a check as Python reads it: the reference first tries it as a literal, `True:%(enabled)s` or `'open':%(state)s`. Any other
 * expression is a path into the credentials; what is no expression raises an error there.
 */
import { codeEscape, floatText, quoted } from './python-text.js';

/** A kind: the text of a literal; a path into the credentials; or undefined for what Python cannot read. */
export type Kind = { readonly literal: string } | { readonly path: readonly string[] };

/** Returns what a kind means; undefined if it is no expression of Python. */
export function readKind(kind: string): Kind | undefined {
  // Most kinds are names. Python reads no source with a NUL, and takes that for a path.
  if (!/\0/.test(kind) && (!NAME_PATH.test(kind) || hasKeyword(kind))) {
    try {
      const value = new ExpressionReader(kind.replace(/^[ \t]+/, '')).whole();
      if (value !== NO_LITERAL) return { literal: value.text };
    } catch (error) {
      if (error instanceof NoExpression) return undefined;
      throw error;
    }
  }
  return { path: kind.split('.') };
}

const NAME_PATH = /^[a-z_]\w*(\.[a-z_]\w*)*$/i;
const KEYWORDS = new Set(
  `and as assert async await break class continue def del elif else except finally for from global if import in is lambda
  nonlocal not or pass raise return try while with yield True False None`.split(/\s+/),
);
const hasKeyword = (kind: string): boolean => kind.split('.').some((word) => KEYWORDS.has(word));

class NoExpression extends Error {}

/** The value of a literal: its text, how a list shows it, and the kind of a number, for signs. */
interface Literal {
  readonly text: string;
  readonly repr: string;
  readonly number?: 'real' | 'imaginary';
}
/** An expression that `ast.literal_eval` does not evaluate, such as a name. */
const NO_LITERAL = Symbol('no literal');
type Value = Literal | typeof NO_LITERAL;

const plain = (text: string): Literal => ({ text, repr: text });
const CONSTANTS = new Map(['True', 'False', 'None'].map((word) => [word, plain(word)]));

const SPACES = /[ \t\f]*/y;
const BINARY =
  /(?:\*\*|\/\/|<<|>>|<=|>=|==|!=|[-+*/%@&|^<>]|(?:and|or|in|is(?:[ \t]+not)?|not[ \t]+in)(?![\p{XID_Continue}]))/uy;
const UNARY = /[-+~]|not(?![\p{XID_Continue}])/uy;
const IF = /if(?![\p{XID_Continue}])/uy;
const ELSE = /else(?![\p{XID_Continue}])/uy;
const WORD = /[\p{XID_Start}_]\p{XID_Continue}*/uy;
const NUMBER =
  /(0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+)|((?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][-+]?\d(?:_?\d)*)?|\d(?:_?\d)*(?:\.(?:[eE][-+]?\d(?:_?\d)*)?|[eE][-+]?\d(?:_?\d)*))|(0(?:_?0)*(?![\d_])|[1-9](?:_?\d)*|\d(?:_?\d)*(?=[jJ]))/y;
const TEXT =
  /(r|u|b|br|rb|f|fr|rf)?(?:"""((?:[^\\]|\\.)*?)"""|'''((?:[^\\]|\\.)*?)'''|"((?:[^\\"\n]|\\.)*)"|'((?:[^\\'\n]|\\.)*)')/isy;

/** Reads one expression: as much of the grammar as fits without colons, because the first colon ends a kind. */
class ExpressionReader {
  readonly #source: string;
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Value {
    const items = this.#list(undefined);
    this.#take(SPACES);
    const rest = this.#source.slice(this.#at).replace(/^#.*/, '');
    if (rest.trim() !== '' || items.values.length === 0) throw new NoExpression();
    if (!items.isTuple) return items.values[0]!;
    return listed(items.values, '(', items.values.length === 1 ? ',)' : ')');
  }

  #take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#source);
    if (found === null) return undefined;
    this.#at += found[0].length;
    return found;
  }

  #takes(text: string): boolean {
    this.#take(SPACES);
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  /** Reads expressions with commas up to a closing bracket; undefined: to the end. */
  #list(close: string | undefined): { readonly values: readonly Value[]; readonly isTuple: boolean } {
    const values: Value[] = [];
    let isTuple = false;
    for (;;) {
      if (close !== undefined && this.#takes(close)) return { values, isTuple };
      if (close === undefined && values.length > 0 && this.#isDone()) return { values, isTuple };
      if (values.length > 0 && !isTuple) throw new NoExpression();
      values.push(this.#expression());
      const hasComma = this.#takes(',');
      isTuple ||= hasComma;
      if (hasComma) continue;
      if (close === undefined || this.#takes(close)) return { values, isTuple };
      throw new NoExpression();
    }
  }

  #isDone(): boolean {
    this.#take(SPACES);
    return this.#at >= this.#source.length || this.#source[this.#at] === '#';
  }

  #expression(): Value {
    const value = this.#operation();
    if (this.#take(IF) === undefined) return value;
    this.#operation();
    this.#take(SPACES);
    if (this.#take(ELSE) === undefined) throw new NoExpression();
    this.#expression();
    return NO_LITERAL;
  }

  #operation(): Value {
    let value = this.#operand();
    for (;;) {
      this.#take(SPACES);
      const operator = this.#take(BINARY)?.[0];
      if (operator === undefined) return value;
      value = complexSum(value, operator, this.#operand());
    }
  }

  #operand(): Value {
    this.#take(SPACES);
    const sign = this.#take(UNARY)?.[0];
    if (sign === undefined) return this.#primary();
    const value = this.#operand();
    if (value === NO_LITERAL || value.number === undefined || !/^[\d.]/.test(value.text)) return NO_LITERAL;
    if (sign === '+') return { ...value, ...plain(`${value.text}`), number: value.number };
    if (sign !== '-') return NO_LITERAL;
    const text = value.text === '0' ? '0' : value.number === 'imaginary' ? `(-0-${value.text})` : `-${value.text}`;
    return { text, repr: text, number: value.number };
  }

  #primary(): Value {
    let value = this.#atom();
    for (;;) {
      if (this.#takes('.')) {
        this.#take(SPACES);
        const word = this.#take(WORD)?.[0];
        if (word === undefined || KEYWORDS.has(word)) throw new NoExpression();
      } else if (this.#takes('(')) this.#list(')');
      else if (this.#takes('[')) {
        if (this.#list(']').values.length === 0) throw new NoExpression();
      } else return value;
      value = NO_LITERAL;
    }
  }

  #atom(): Value {
    this.#take(SPACES);
    const text = this.#take(TEXT);
    if (text !== undefined) return this.#joined(text);
    const word = this.#take(WORD)?.[0];
    if (word !== undefined) {
      const constant = CONSTANTS.get(word);
      if (constant === undefined && KEYWORDS.has(word)) throw new NoExpression();
      return constant ?? NO_LITERAL;
    }
    if (this.#takes('...')) return plain('Ellipsis');
    const number = this.#take(NUMBER);
    if (number !== undefined) return this.#number(number);
    if (this.#takes('[')) return listed(this.#list(']').values, '[', ']');
    if (this.#takes('(')) {
      const { values, isTuple } = this.#list(')');
      if (values.length === 1 && !isTuple) return values[0]!;
      return listed(values, '(', values.length === 1 ? ',)' : ')');
    }
    if (this.#takes('{')) {
      const { values } = this.#list('}');
      return values.length === 0 ? plain('{}') : listed([...values], '{', '}');
    }
    throw new NoExpression();
  }

  #number([text, based, float]: RegExpExecArray): Value {
    const isImaginary = based === undefined && this.#take(/[jJ]/y) !== undefined;
    if (this.#take(/[\p{XID_Continue}]/uy) !== undefined) throw new NoExpression();
    const digits = text.replaceAll('_', '');
    if (isImaginary) return { ...plain(`${shortFloat(Number(digits))}j`), number: 'imaginary' };
    const value =
      float === undefined ? BigInt(based === undefined ? digits.replace(/^0+(?=.)/, '') : digits) : Number(digits);
    return { ...plain(typeof value === 'bigint' ? String(value) : floatText(value)), number: 'real' };
  }

  /** Joins the texts that stand side by side. */
  #joined(first: RegExpExecArray): Value {
    const texts = [contentOf(first)];
    for (;;) {
      this.#take(SPACES);
      const next = this.#take(TEXT);
      if (next === undefined) break;
      texts.push(contentOf(next));
    }
    if (texts.some((each) => each?.isBytes !== texts[0]?.isBytes)) throw new NoExpression();
    if (texts[0] === undefined) return NO_LITERAL;
    const content = texts.map((each) => each!.content).join('');
    if (!texts[0].isBytes) return { text: content, repr: quoted(content) };
    const bytes = quoted(content).replace(/[\x80-\xff]/g, (each) => codeEscape(each.charCodeAt(0)));
    return plain(`b${bytes}`);
  }
}

function listed(values: readonly Value[], open: string, close: string): Value {
  if (values.includes(NO_LITERAL)) return NO_LITERAL;
  return plain(`${open}${values.map((each) => (each as Literal).repr).join(', ')}${close}`);
}

/** The sum of a real and an imaginary number is a literal too. */
function complexSum(left: Value, operator: string, right: Value): Value {
  if (left === NO_LITERAL || right === NO_LITERAL || !/^[-+]$/.test(operator)) return NO_LITERAL;
  if (left.number !== 'real' || right.number !== 'imaginary' || !/^\d/.test(right.text)) return NO_LITERAL;
  const real = Number(left.text);
  return plain(real === 0 && operator === '+' ? right.text : `(${shortFloat(real)}${operator}${right.text})`);
}

const shortFloat = (value: number): string => floatText(value).replace(/\.0$/, '');

/** Returns the content of a text; undefined for one with expressions inside. */
function contentOf([, prefix = '', ...bodies]: RegExpExecArray): { isBytes: boolean; content: string } | undefined {
  const kinds = prefix.toLowerCase();
  if (kinds.includes('f')) return undefined;
  const body = bodies.find((each) => each !== undefined)!;
  const isBytes = kinds.includes('b');
  if (isBytes && /[^\0-\x7f]/.test(body)) throw new NoExpression();
  return { isBytes, content: kinds.includes('r') ? body : unescaped(body, isBytes) };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unescaped(body: string, isBytes: boolean): string {
  return body.replace(/\\([0-7]{1,3}|x[\da-f]{0,2}|u[\da-f]{0,4}|U[\da-f]{0,8}|N|.)/gis, (whole, escaped: string) => {
    const letter = escaped[0]!;
    if (/[0-7]/.test(letter)) return String.fromCharCode(Number.parseInt(escaped, 8));
    const size = { x: 2, u: 4, U: 8 }[letter];
    if (size === undefined || (isBytes && letter !== 'x')) {
      if (letter === 'N' && !isBytes) throw new NoExpression();
      return ESCAPES[escaped] ?? whole;
    }
    const code = Number.parseInt(escaped.slice(1), 16);
    if (escaped.length !== size + 1 || code > 0x10ffff) throw new NoExpression();
    return String.fromCodePoint(code);
  });
}
