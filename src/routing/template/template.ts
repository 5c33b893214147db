/**
 * Path templates: `/servers/{id}`, `/archive/:year`, `/files/*path`, `/songs/{title}{.format}`.
 *
 * A template is read once, left to right, into literal text and variables, by the rules of Python's Routes.
 */
import { setOwn } from './own-property.js';

/** A variable of a template. */
export interface Variable {
  /** `:` within a segment, `.` an optional dotted suffix, `*` spans slashes, `{` a brace that is never closed. */
  readonly type: ':' | '.' | '*' | '{';
  readonly name: string;
}

/** Literal text, or a variable. */
export type Part = string | Variable;

/** Something in a template that says something else than it seems. */
export interface TemplateNotice {
  readonly kind: 'cut-regex' | 'swallowed-dash';
  readonly variable: string;
}

/** A template that was read. */
export interface Template {
  readonly parts: readonly Part[];
  readonly notices: readonly TemplateNotice[];
}

/** Characters that end a `:name` and stay in the path. */
export const SEPARATORS: readonly string[] = ['/', ',', ';', '.', '#'];

/** A template that cannot be read. */
export class TemplateProblem extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Reads a template. Inline regular expressions (`{id:\d+}`) are written into `requirements`, which may be shared with
 * other routes. In a static template, which only generates, `:` and `*` are ordinary text.
 */
export function readTemplate(text: string, requirements: Record<string, string>, isStatic: boolean): Template {
  const reading = new TemplateReading(requirements, isStatic);
  let offset = 0;
  for (const character of text) {
    reading.read(character, offset);
    offset += character.length;
  }
  return reading.finish();
}

class TemplateReading {
  readonly #requirements: Record<string, string>;
  readonly #isStatic: boolean;
  readonly #parts: Part[] = [];
  readonly #notices: TemplateNotice[] = [];
  #text = '';
  #escaping = false;
  /** The character that opened the variable being read; empty outside of one. */
  #opener = '';
  #justOpened = false;
  /** What ends the variable being read. */
  #enders: readonly string[] = [];

  constructor(requirements: Record<string, string>, isStatic: boolean) {
    this.#requirements = requirements;
    this.#isStatic = isStatic;
  }

  read(character: string, offset: number): void {
    if (this.#escaping) {
      this.#text += '\\:*{}'.includes(character) ? character : `\\${character}`;
      this.#escaping = false;
    } else if (character === '\\') {
      this.#escaping = true;
    } else if (this.#opener === '') {
      if (this.#opens(character)) this.#open(character);
      else this.#text += character;
    } else if (this.#justOpened) {
      this.#justOpened = false;
      if (character === '(') this.#enders = [')'];
      else [this.#text, this.#enders] = [character, [...SEPARATORS, '-']];
    } else if (!this.#enders.includes(character)) {
      this.#text += character;
    } else {
      this.#close(character, offset);
    }
  }

  finish(): Template {
    if (this.#opener !== '') this.#parts.push({ type: this.#opener as Variable['type'], name: this.#text });
    else if (this.#text !== '') this.#parts.push(this.#text);
    return { parts: this.#parts, notices: this.#notices };
  }

  #opens(character: string): boolean {
    return character === '{' || (!this.#isStatic && (character === ':' || character === '*'));
  }

  #open(character: string): void {
    this.#opener = character;
    if (character === '{') this.#enders = ['}'];
    else this.#justOpened = true;
    if (this.#text !== '') this.#parts.push(this.#text);
    this.#text = '';
  }

  #close(ender: string, offset: number): void {
    this.#parts.push(this.#opener === '{' ? this.#braced(offset) : this.#plain(ender));
    if (SEPARATORS.includes(ender)) this.#parts.push(ender);
    this.#opener = '';
    this.#text = '';
    this.#enders = [];
  }

  #plain(ender: string): Variable {
    if (ender === '-') this.#notices.push({ kind: 'swallowed-dash', variable: this.#text });
    return { type: this.#opener as Variable['type'], name: this.#text };
  }

  #braced(offset: number): Variable {
    if (this.#text === '') throw new TemplateProblem('a variable needs a name', offset);
    const dotted = this.#text.startsWith('.');
    const [name = '', regex, ...cut] = (dotted ? this.#text.slice(1) : this.#text).split(':');
    if (regex !== undefined) {
      setOwn(this.#requirements, name, regex);
      if (cut.length > 0 || opensBrace(regex)) this.#notices.push({ kind: 'cut-regex', variable: name });
    }
    return { type: dotted ? '.' : ':', name };
  }
}

/** Whether an expression ends inside a `{`: then it was cut at that brace's end. */
function opensBrace(regex: string): boolean {
  const braces = regex.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '');
  return braces.lastIndexOf('{') > braces.lastIndexOf('}');
}

/** A template with its variables in braces, as OpenAPI writes paths. */
export function pathText(parts: readonly Part[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.type === '.' ? '' : `{${part.name}}`)).join('');
}
