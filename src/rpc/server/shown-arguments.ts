/**
 * The arguments of a call as text for the log, without what is secret of them.
 */
import { isSecretName } from '../../app/internal.js';
import { masked, maskUris } from '../../text/index.js';

type Schema = Readonly<Record<string, unknown>>;

/** More characters are cut off. */
const LONGEST = 2000;

/**
 * As JSON, with `****` for what the schema marks `writeOnly`, and for what has the name of a secret, wherever it stands; URIs
 * without their passwords; of bytes their number. 2000 characters at most.
 */
export function shownArguments(args: Readonly<Record<string, unknown>>, schema: Schema | undefined = {}): string {
  const secrets = writeOnlyNames(schema);
  const isSecret = (name: string): boolean => secrets.has(name) || isSecretName(name);
  try {
    const text = JSON.stringify(shown('', args, isSecret));
    return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
  } catch (error) {
    if (error instanceof RangeError) return 'too deep to be shown';
    throw error;
  }
}

function shown(name: string, value: unknown, isSecret: (name: string) => boolean): unknown {
  if (isSecret(name)) return masked;
  if (typeof value === 'string') return maskUris(value);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if (value instanceof Set || Array.isArray(value)) return [...value].map((each) => shown('', each, isSecret));
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(members.map(([key, each]) => [key, shown(String(key), each, isSecret)]));
}

/**
 * The names of properties whose schema, or a part of it that is about the same value, says `writeOnly`; the empty name for the
 * arguments as a whole. A name is a secret at any depth: rather too much is masked than a secret shown.
 */
export function writeOnlyNames(schema: Schema): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Map<unknown, Set<string>>();
  const visit = (part: unknown, name: string): void => {
    if (typeof part !== 'object' || part === null) return;
    const visited = seen.get(part) ?? new Set();
    if (visited.has(name)) return;
    seen.set(part, visited.add(name));
    for (const [keyword, value] of Object.entries(part)) {
      if (keyword === 'writeOnly' && value === true) names.add(name);
      else if (keyword === '$ref') visit(referred(schema, value), name);
      else if (keyword === 'properties')
        for (const [inner, each] of Object.entries(value as object)) visit(each, inner);
      // These are reached by those who refer to them.
      else if (keyword !== 'definitions' && keyword !== '$defs') visit(value, name);
    }
  };
  visit(schema, '');
  return names;
}

/** What a pointer within the schema leads to. */
function referred(schema: Schema, pointer: unknown): unknown {
  if (typeof pointer !== 'string' || !pointer.startsWith('#')) return undefined;
  const steps = decodeURIComponent(pointer).split('/').slice(1);
  return steps
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((part, step) => (part as Readonly<Record<string, unknown>> | undefined)?.[step], schema);
}
