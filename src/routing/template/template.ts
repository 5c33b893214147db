/**
 * Path templates: `/servers/{id}`, `/archive/:year`, `/files/*path`, `/songs/{title}{.format}`.
 *
 * The parser of templates: once, left to right, into literal text and variables with their requirements, by the rules of Python's Routes.
 */

/** A variable of a template. */
export interface PathVariable {
  /** `:` within a segment, `.` an optional dotted suffix, `*` spans slashes, `{` a brace without an end. */
  readonly type: ':' | '.' | '*' | '{';
  readonly name: string;
}

/** Literal text, or a variable. */
export type TemplatePart = string | PathVariable;

/** A warning about a route, as a sentence, with a hint. */
export interface RouteWarning {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A parsed template. */
export interface Template {
  readonly parts: readonly TemplatePart[];
  /** Warnings of misleading parts. */
  readonly notices: readonly RouteWarning[];
}

/** Characters that end a `:name` and belong to the path. */
export const SEPARATORS: readonly string[] = ['/', ',', ';', '.', '#'];

/** A template that cannot be parsed. */
export class TemplateProblem extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

/**
 * Parses a template. Inline regular expressions (`{id:\d+}`) are added to `requirements`, which other routes may share. In a static
 * template, which only generates, `:` and `*` are ordinary text.
 */
export function readTemplate(text: string, requirements: Record<string, string>, isStatic: boolean): Template {
  const parts: TemplatePart[] = [];
  const notices: RouteWarning[] = [];
  const openers = isStatic ? '{' : '{:*';
  /** Opener of the current variable, and its end characters: none yet after a `:` or `*`. */
  let opened: { readonly type: PathVariable['type']; readonly at: number; enders: readonly string[] } | null = null;
  let read = '';
  let isEscaped = false;
  let offset = 0;
  for (const character of text) {
    if (isEscaped) {
      read += '\\:*{}'.includes(character) ? character : `\\${character}`;
      isEscaped = false;
    } else if (character === '\\') {
      isEscaped = true;
    } else if (opened === null && openers.includes(character)) {
      if (read !== '') parts.push(read);
      read = '';
      opened = { type: character as PathVariable['type'], at: offset, enders: character === '{' ? ['}'] : [] };
    } else if (opened?.enders.length === 0) {
      opened.enders = character === '(' ? [')'] : [...SEPARATORS, '-'];
      if (character !== '(') read = character;
    } else if (opened === null || !opened.enders.includes(character)) {
      read += character;
    } else {
      if (opened.type !== '{') parts.push({ type: opened.type, name: read });
      else if (read !== '') parts.push(braced(read, requirements, notices));
      else throw new TemplateProblem('a variable needs a name', offset);
      if (character === '-') notices.push(swallowedDash(read));
      if (SEPARATORS.includes(character)) parts.push(character);
      opened = null;
      read = '';
    }
    offset += character.length;
  }
  if (opened?.type === '{' && !isStatic && /[^\p{L}\p{N}_]/u.test(read)) {
    throw new TemplateProblem('no "}" closes the variable that begins here', opened.at);
  }
  if (opened?.type === '{') notices.push(openBrace(read));
  if (opened !== null) parts.push({ type: opened.type, name: read });
  else if (read !== '') parts.push(read);
  return { parts, notices };
}

/** Returns the variable between two braces. */
function braced(text: string, requirements: Record<string, string>, notices: RouteWarning[]): PathVariable {
  const dotted = text.startsWith('.');
  const [name = '', regex, ...cut] = (dotted ? text.slice(1) : text).split(':');
  if (regex !== undefined) {
    // The object belongs to the application and has a prototype: an assignment of __proto__ would be lost.
    if (name !== '__proto__') requirements[name] = regex;
    else
      Object.defineProperty(requirements, name, { value: regex, writable: true, enumerable: true, configurable: true });
    if (cut.length > 0 || opensBrace(regex)) {
      notices.push({
        code: 'PORTICO_ROUTE_CUT_REGEX',
        message: `the expression of "${name}" ends at its first "}" or ":" and is only ${regex}`,
        hint: `Write requirements: { ${name}: … }, or \\} and \\x3A within the template.`,
      });
    }
  }
  return { type: dotted ? '.' : ':', name };
}

function openBrace(name: string): RouteWarning {
  return {
    code: 'PORTICO_ROUTE_OPEN_BRACE',
    message: `the brace before "${name}" has no end: the variable takes the rest of the path, with its slashes`,
    hint: `Write {${name}}.`,
  };
}

function swallowedDash(name: string): RouteWarning {
  return {
    code: 'PORTICO_ROUTE_SWALLOWED_DASH',
    message: `the "-" after ":${name}" ends the name and is not part of the path`,
    hint: `Write {${name}}-.`,
  };
}

/** Reports whether an expression ends inside a `{`: then the end of that brace has cut it. */
function opensBrace(regex: string): boolean {
  const braces = regex.replace(/\\.|\[(?:\\.|[^\]\\])*\]/gs, '');
  return braces.lastIndexOf('{') > braces.lastIndexOf('}');
}

/** Returns a template with its variables in braces, as in paths of OpenAPI. */
export function pathText(parts: readonly TemplatePart[]): string {
  return parts.map((part) => (typeof part === 'string' ? part : part.type === '.' ? '' : `{${part.name}}`)).join('');
}

/** Source of an expression. */
export interface PatternSource {
  readonly parts: readonly TemplatePart[];
  readonly requirements: Readonly<Record<string, string>>;
  /** Names with a default; with minimization their variables may be omitted at the end of a path. */
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly minimize: boolean;
  /** Values of a variable named `controller`. */
  readonly controllers: readonly string[];
}

/** Returns the required expression of a variable; undefined for none. `constructor` is a name like others. */
export function requirementOf(requirements: PatternSource['requirements'], name: string): string | undefined {
  return Object.hasOwn(requirements, name) ? requirements[name] : undefined;
}

/** Returns the expression of a whole path. */
export function wholePattern(source: PatternSource): string {
  return source.minimize ? minimized(source) : `^${source.parts.map((part) => fullPart(part, source)).join('')}$`;
}

/** Returns the expression of one part; a variable is one group with its name. */
export function fullPart(part: TemplatePart, source: PatternSource): string {
  if (typeof part === 'string') return escapePython(part);
  const group = `(?P<${part.name}>${variablePattern(part, source)})`;
  return part.type === '.' ? `(?:\\.${group})??` : group;
}

/** Returns the expression of a variable. */
export function variablePattern(variable: PathVariable, source: PatternSource): string {
  if (variable.name === 'controller') return source.controllers.map(escapePython).join('|');
  const requirement = requirementOf(source.requirements, variable.name);
  if (requirement) return requirement;
  return variable.type === ':' ? PLAIN : variable.type === '.' ? '[^/.]+?' : '.+?';
}

/** A variable without a requirement: a segment, as short as possible. */
export const PLAIN = '[^/]+?';

/** Escapes as Python's `re.escape` does since 3.7. */
function escapePython(text: string): string {
  return text.replace(/[()[\]{}?*+\-|^$\\.&~# \t\n\r\v\f]/g, '\\$&');
}

/** State that Routes passes from the rest of a path to the part before it. */
interface Rest {
  readonly pattern: string;
  /** True if neither text nor a required variable follows. */
  readonly optional: boolean;
  /** True if everything after it may be empty. */
  readonly blank: boolean;
}

function minimized(source: PatternSource): string {
  // The part before the last one determines the characters that plain variables exclude: in Routes it is an attribute that the recursion
  // leaves behind, and tables rely on the result.
  const prior = source.parts.at(-2);
  let rest: Rest = { pattern: '', optional: true, blank: true };
  for (const part of [...source.parts].reverse()) rest = minimizedPart(part, rest, prior, source);
  const pattern = `${rest.pattern || '/'}/?$`;
  return pattern.startsWith('/') ? `^${pattern}` : `^/${pattern}`;
}

function minimizedPart(part: TemplatePart, rest: Rest, prior: TemplatePart | undefined, source: PatternSource): Rest {
  if (typeof part === 'string') return minimizedText(part, rest);
  if (part.type === '{') throw new Error('with minimization every brace must be closed');
  const hasDefault = source.defaults.has(part.name);
  const blank = rest.blank && hasDefault;
  if (part.type === '*') {
    return { pattern: `(?P<${part.name}>.*)${rest.pattern}`, optional: rest.optional && hasDefault, blank };
  }
  const hasRequirement = Object.hasOwn(source.requirements, part.name);
  const one = minimizedVariable(part, rest, prior, source);
  const optional = rest.optional && hasDefault && !hasRequirement;
  if (optional) {
    const bound = typeof prior === 'string' && [',', ';', '.'].includes(prior);
    return { pattern: bound ? one + rest.pattern : `${one}?${rest.pattern}`, optional, blank };
  }
  return { pattern: blank ? `(?:${one}${rest.pattern})?` : one + rest.pattern, optional, blank };
}

function minimizedVariable(
  { name, type }: PathVariable,
  rest: Rest,
  prior: TemplatePart | undefined,
  source: PatternSource,
): string {
  const dotted = (pattern: string): string => (type === '.' ? `(?:\\.${pattern})??` : pattern);
  const requirement = requirementOf(source.requirements, name);
  if (requirement !== undefined) return dotted(`(?P<${name}>${requirement})`);
  if (name === 'controller') return `(?P<${name}>${source.controllers.map(escapePython).join('|')})`;
  if (prior === '/' || prior === '#') return `(?P<${name}>[^${prior}]+?)`;
  if (rest.pattern === '') return dotted(`(?P<${name}>[^${type === '.' ? '/.' : '/'}]+?)`);
  const escaped = /^\\(.)/s.exec(rest.pattern)?.[1] ?? /^\(\\(.)/s.exec(rest.pattern)?.[1];
  const excluded = escaped === undefined ? SEPARATORS.join('') : `/\\${escaped}`;
  return `(?P<${name}>[^${excluded}]+?)`;
}

function minimizedText(text: string, rest: Rest): Rest {
  const end = text.at(-1)!;
  if (!SEPARATORS.includes(end)) {
    return { pattern: escapePython(text) + rest.pattern, optional: false, blank: false };
  }
  if (rest.blank) {
    const pattern = `${escapePython(text.slice(0, -1))}(?:${escapePython(end)}${rest.pattern})?`;
    return { pattern, optional: rest.optional, blank: true };
  }
  // Routes escapes a single slash with a backslash, and the part before it checks that character.
  const pattern = (text === '/' ? '\\/' : escapePython(text)) + rest.pattern;
  return { pattern, optional: rest.optional, blank: false };
}
