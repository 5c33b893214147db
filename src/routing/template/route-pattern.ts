/**
 * From a template to the regular expression of a whole path, in Python's syntax, as Routes builds it.
 *
 * Building Python's expression and translating it once keeps one meaning: alternatives, back references and group
 * names of requirements see the same surroundings as in Routes.
 */
import { getOwn } from './own-property.js';
import { type Part, SEPARATORS, type Variable } from './template.js';

/** What the expression is made from. */
export interface PatternSource {
  readonly parts: readonly Part[];
  readonly requirements: Readonly<Record<string, string>>;
  /** Names that have a default; with minimization their variables may be left out at the end of a path. */
  readonly defaults: ReadonlyMap<string, unknown>;
  readonly minimize: boolean;
  /** What a variable called `controller` may be. */
  readonly controllers: readonly string[];
}

/** The expression of a whole path. */
export function wholePattern(source: PatternSource): string {
  return source.minimize ? minimized(source) : `^${source.parts.map((part) => fullPart(part, source)).join('')}$`;
}

/** The expression of one part; a variable is one group named after it. */
export function fullPart(part: Part, source: PatternSource): string {
  if (typeof part === 'string') return escapePython(part);
  const group = `(?P<${part.name}>${variablePattern(part, source)})`;
  return part.type === '.' ? `(?:\\.${group})??` : group;
}

/** What a variable matches, as an expression. */
export function variablePattern(variable: Variable, source: PatternSource): string {
  if (variable.name === 'controller') return source.controllers.map(escapePython).join('|');
  const requirement = getOwn(source.requirements, variable.name);
  if (requirement) return requirement;
  return variable.type === ':' ? PLAIN : variable.type === '.' ? '[^/.]+?' : '.+?';
}

/** A variable without requirement: a segment, as short as possible. */
export const PLAIN = '[^/]+?';

/** As Python's `re.escape` since 3.7. */
function escapePython(text: string): string {
  return text.replace(/[()[\]{}?*+\-|^$\\.&~# \t\n\r\v\f]/g, '\\$&');
}

/** The state Routes hands back from the rest of a path to the part before it. */
interface Rest {
  readonly pattern: string;
  /** Neither text nor a required variable follows. */
  readonly optional: boolean;
  /** All that follows may be empty. */
  readonly blank: boolean;
}

function minimized(source: PatternSource): string {
  // The part before the last decides what plain variables exclude: in Routes it is an attribute that the recursion
  // leaves behind, and tables rely on the result.
  const prior = source.parts.at(-2);
  let rest: Rest = { pattern: '', optional: true, blank: true };
  for (const part of [...source.parts].reverse()) rest = minimizedPart(part, rest, prior, source);
  const pattern = `${rest.pattern || '/'}/?$`;
  return pattern.startsWith('/') ? `^${pattern}` : `^/${pattern}`;
}

function minimizedPart(part: Part, rest: Rest, prior: Part | undefined, source: PatternSource): Rest {
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
  { name, type }: Variable,
  rest: Rest,
  prior: Part | undefined,
  source: PatternSource,
): string {
  const dotted = (pattern: string): string => (type === '.' ? `(?:\\.${pattern})??` : pattern);
  const requirement = getOwn(source.requirements, name);
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
  // Routes writes a lone slash with a backslash, and what stands before it looks at that character.
  const pattern = (text === '/' ? '\\/' : escapePython(text)) + rest.pattern;
  return { pattern, optional: rest.optional, blank: false };
}
