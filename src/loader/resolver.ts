/**
 * What turns the names of factories into factories; a test or an application can put its own in the place of the
 * default one.
 */
import type { Origin } from '../errors/index.js';
import type { Awaitable } from '../service/index.js';

/** Entry points of a distribution: group, name, factory. Maps, or plain objects whose own properties count. */
export type EntryPoints =
  | ReadonlyMap<string, ReadonlyMap<string, unknown>>
  | Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Finds factories. Errors should be a PasteError with the origin given; others are wrapped. */
export interface Resolver {
  /** The value of a factory expression. `kind` says after what it stood. The grammar is the resolver's. */
  expression(text: string, kind: 'protocol' | 'call', origin: Origin): Awaitable<unknown>;
  /** Entry points of a distribution. Throws `PORTICO_PASTE_NO_PACKAGE`. */
  distribution(name: string, origin: Origin): Awaitable<EntryPoints>;
}

/** An entry point whose factory is only looked up when it is used. */
export class LazyFactory {
  readonly load: () => Awaitable<unknown>;

  constructor(load: () => Awaitable<unknown>) {
    this.load = load;
  }
}

/** The entry points of one group. */
export function entryPointsOf(groups: EntryPoints, group: string): ReadonlyMap<string, unknown> {
  if (groups instanceof Map)
    return (groups as ReadonlyMap<string, ReadonlyMap<string, unknown>>).get(group) ?? new Map();
  const members = Object.hasOwn(groups, group) ? (groups as Record<string, Record<string, unknown>>)[group] : undefined;
  return members === undefined ? new Map() : new Map(Object.entries(members));
}

/** The factory of an entry point. */
export function factoryOf(entry: unknown): Awaitable<unknown> {
  return entry instanceof LazyFactory ? entry.load() : entry;
}
