/** Stand-ins for the Python factories of a service: factories of Portico, and code for the rest, which its author completes. */
import { basename } from 'node:path';
import type { DeclaredFactory } from '../../app/index.js';
import { Config } from '../../config/index.js';
import { ConfigurationRefused, isUnknownName } from '../../config/internal.js';
import { wordsOf } from '../../ini/index.js';
import { factoriesOf, type NamedFactory } from '../../loader/internal.js';
import type { FoundPaste } from './found-service.js';

/** A factory with what stands for it. */
export interface StandIn {
  readonly factory: NamedFactory;
  /** The paste file, by its path in the project. */
  readonly file: string;
  readonly target: string;
  /**
   * `known`: Portico has an alias for it; `similar`: it is like one of Portico by its name or its options; `app`, `filter`: code in the project,
   * which does nothing yet.
   */
  readonly how: 'known' | 'similar' | 'app' | 'filter';
}

/** Module of Portico without an effect. */
const NOTHING = 'portico/middleware:passThrough';

/** Reports whether nothing is left of what a factory did. */
export function isLost({ how, target }: StandIn): boolean {
  return how === 'filter' || target === NOTHING;
}

/** Words of filters that keep requests away from an app. */
const GUARD = /auth|acl|token|polic|permission|signature/i;

/** Reports whether a filter without a counterpart seems to protect its app: in its place all requests are refused. */
export function isGuard({ how, factory }: StandIn): boolean {
  return (
    how === 'filter' && [factory.name.replace(/^.*[:#]/, ''), ...factory.sections].some((name) => GUARD.test(name))
  );
}

/** Returns what stands for the factories of paste files. `extension`: that of the code. */
export async function standIns(pastes: readonly FoundPaste[], extension: string): Promise<readonly StandIn[]> {
  const found: StandIn[] = [];
  const names = new Map([
    ['app', new Set<string>(['filters', 'not-written'])],
    // The function in place of a guard.
    ['filter', new Set<string>(['refuse'])],
  ]);
  for (const { path, name: file, document } of pastes) {
    const filters = new Set(
      [...document.sections.keys()].flatMap((name) => /^filter:(.*)/.exec(name)?.[1]?.trim() ?? []),
    );
    for (const factory of await factoriesOf(path)) {
      if (found.some((each) => isSame(each.factory, factory))) continue;
      const target = factory.target ?? (await similarTo(factory, filters));
      if (target !== undefined) {
        found.push({ factory, file, target, how: factory.target === undefined ? 'similar' : 'known' });
        continue;
      }
      const { kind } = factory;
      const name = freeName(nameOf(factory), names.get(kind)!, kind);
      const own = kind === 'app' ? `./app/${name}${extension}:app` : `./app/filters${extension}:${name}`;
      found.push({ factory, file, target: own, how: kind });
    }
  }
  return found;
}

const isSame = (a: NamedFactory, b: NamedFactory): boolean => a.name === b.name && a.protocol === b.protocol;

/** Returns the factory of Portico that a name and its options, or for a composite its options, speak for. */
async function similarTo(
  { proposed = '', protocol, section }: NamedFactory,
  filters: ReadonlySet<string>,
): Promise<string | undefined> {
  if (proposed.startsWith('portico/') && (await knowsOptions(proposed, section))) return proposed;
  if (!/^paste\.composite?_factory$/.test(protocol)) return undefined;
  const entries = [...section.options].map(([name, { value }]) => [name, value] as const);
  if (entries.length > 0 && entries.every(([name]) => /^\/|^domain |^https?:|^not_found_app$/.test(name)))
    return 'portico/loader:urlmap';
  const isPipeline = (value: string): boolean => {
    const words = wordsOf(value).map(({ text }) => text);
    return words.length > 1 && words.slice(0, -1).every((word) => filters.has(word));
  };
  return entries.length > 0 && entries.every(([, value]) => isPipeline(value)) ? 'portico/loader:byOption' : undefined;
}

/** Reports whether a factory of Portico has the options of a section: one that lacks some is only called alike. */
async function knowsOptions(target: string, { options, origin }: NamedFactory['section']): Promise<boolean> {
  const [module, name = ''] = target.split(':');
  if (module !== 'portico/middleware') return true;
  const filters: Readonly<Record<string, unknown>> = await import('../../middleware/index.js');
  const declared = filters[name] as Partial<DeclaredFactory> | undefined;
  if (declared?.group === undefined || declared.options === undefined) return options.size === 0;
  try {
    new Config().group(declared.group, declared.options, { local: options, origin, partial: true });
  } catch (error) {
    if (!(error instanceof ConfigurationRefused)) throw error;
    return !error.diagnostics.some(isUnknownName);
  }
  return true;
}

/** The name of its section, or of its entry point. */
function nameOf({ sections: [section = 'main'], name }: NamedFactory): string {
  return section.startsWith('egg:') || section.startsWith('call:') ? name.replace(/^.*[#:]/, '') : section;
}

/** Returns a name of a file for an app, of a function for a filter. */
function freeName(section: string, taken: Set<string>, kind: 'app' | 'filter'): string {
  const words = basename(section)
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '');
  const plain = kind === 'app' ? words.join('_') : camelCase(words);
  const base = plain === '' ? kind : plain;
  let name = base;
  for (let count = 2; taken.has(name); count++) name = `${base}${kind === 'app' ? '_' : ''}${count}`;
  taken.add(name);
  return name;
}

function camelCase(words: readonly string[]): string {
  const joined = words
    .map((word, at) => (at === 0 ? word[0]!.toLowerCase() : word[0]!.toUpperCase()) + word.slice(1))
    .join('');
  return /^\d/.test(joined) || RESERVED.has(joined) ? `filter${joined[0]!.toUpperCase()}${joined.slice(1)}` : joined;
}

/** Words that name no function in a module. */
const RESERVED = new Set(
  'arguments await break case catch class const continue debugger default delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield'.split(
    ' ',
  ),
);
