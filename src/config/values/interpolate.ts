/**
 * `$name`, `${name}`, `$group.name` and `${group.name}` in values; `$$` and `\$` are a dollar sign.
 */
import { looksSecret } from '../../text/index.js';
import { InvalidValue } from '../types/option.js';
import { string } from '../types/text-types.js';
import { type DeclaredOption, spelling } from './declared-groups.js';

/** A reference to another option, at an offset in the text. */
export interface Reference {
  readonly group: string | undefined;
  readonly opt: string;
  readonly offset: number;
}

/** An error in one reference, with its position in the text. */
export class BadReference extends InvalidValue {
  readonly offset: number;

  constructor(message: string, offset: number, hint?: string) {
    super(message, hint);
    this.name = 'BadReference';
    this.offset = offset;
  }
}

// A dollar sign before anything but a name or a brace is literal: `^a$`, `5$`, `$1`. Without braces a hyphen ends the name: `$host-$port`.
const pattern = /\$\$|\\\$|\$\{([^}]*)\}|\$\{|\$([a-z_]\w*)(?:\.([a-z_]\w*))?/gi;

/**
 * Expands references. `lookUp` returns the text of an option; `isGroup` reports whether `a` of `$a.b` is a group, because otherwise
 * `$host.example.org` is `$host` followed by text.
 */
export function interpolate(
  text: string,
  lookUp: (reference: Reference) => string,
  isGroup: (name: string) => boolean,
): string {
  if (!text.includes('$')) return text;
  return text.replaceAll(pattern, (...found: unknown[]) => {
    const [whole, braced, first, second] = found as [string, string?, string?, string?];
    const offset = found.find((part) => typeof part === 'number') as number;
    if (whole === '$$' || whole === '\\$') return '$';
    if (braced !== undefined) return lookUp(bracedReference(braced, offset));
    if (first === undefined)
      throw new BadReference('a reference without a closing brace', offset, 'write $$ for a dollar sign');
    if (second === undefined) return lookUp({ group: undefined, opt: first, offset });
    if (isGroup(first)) return lookUp({ group: first, opt: second, offset });
    return `${lookUp({ group: undefined, opt: first, offset })}.${second}`;
  });
}

function bracedReference(inside: string, offset: number): Reference {
  const name = inside.trim();
  const dot = name.lastIndexOf('.');
  const opt = name.slice(dot + 1);
  if (!/^[a-z_][\w-]*$/i.test(opt)) {
    throw new BadReference(`\${${inside}} names no option`, offset, 'write $$ for a dollar sign');
  }
  return { group: dot < 0 ? undefined : name.slice(0, dot), opt, offset };
}

/** Option for a name that is written but not declared. */
const undeclared = string({ default: '' });

/** Returns the option of a name that is written but not declared. */
export function undeclaredOption(group: string, opt: string): DeclaredOption {
  return { group, opt, option: undeclared, spellings: [spelling(group, opt, 'name')] };
}

/** Reports whether a value must neither be interpolated nor referenced. The declaration decides, without one the name. */
export function holdsSecret({ opt, option }: DeclaredOption): boolean {
  return option === undeclared ? looksSecret(opt) : option.secret;
}
