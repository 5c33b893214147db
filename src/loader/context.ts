/**
 * Contexts: the nodes of a loaded tree, before anything is called.
 */
import type { Origin } from '../errors/index.js';
import type { PasteSection } from '../ini/index.js';
import type { PasteReference } from './paste-error.js';
import type { Kind } from './section.js';
import type { Setting, Source, ValuePlace } from './source.js';

/** Who answers when a composite asks for its children: a file, a distribution, or nobody. */
export type Answerer =
  | { readonly form: 'file'; readonly source: Source }
  | { readonly form: 'egg'; readonly distribution: string }
  | { readonly form: 'call'; readonly expression: string };

/** Where a reference stands, and what led there inside its value; nowhere when a program asked. */
export type ReferenceOrigin = ValuePlace | { readonly origin: undefined; readonly via: readonly [] };

/** Where a reference stands; looked up only when an error needs it. */
export interface ReferencePlace {
  readonly text: string;
  /** The reference itself. */
  readonly place: () => ReferenceOrigin;
  /** The option it stands in; in a list, the word. */
  readonly option: () => Origin | undefined;
}

/** The way to a section: what was asked for, from where, and all that came before. */
export interface Trail {
  readonly parent: Trail | undefined;
  readonly depth: number;
  readonly kind: Kind;
  readonly reference: ReferencePlace | undefined;
  /** The load this belongs to: that of the app a program asked for, or of one child of a composite. */
  readonly phase: object;
  /** True for what the load was asked for itself. */
  readonly root: boolean;
  readonly section?: PasteSection;
  /** global_conf on arrival, before the section's own `set`. */
  readonly incoming?: ReadonlyMap<string, string>;
  /** The nearest `config:` reference on the way: how the file came to be opened. */
  readonly include: ReferencePlace | undefined;
}

/** The factory of a context: as written, and once resolved what it is. */
export interface FactoryUse {
  /** The expression as written, `call:` and the expression, or `egg:distribution#name`. */
  readonly written: string;
  /** The option or reference it stands at. */
  readonly origin: () => Origin | undefined;
  resolved: boolean;
  value: unknown;
}

/** The section a context is named after: the outermost that took it through `use`, else the reference itself. */
export interface NamedPlace {
  readonly prefix: string;
  readonly name: string;
  readonly origin: () => Origin | undefined;
}

/** A child that a composite asked its loader for while it was created. */
export interface ChildContext {
  readonly get: Kind;
  readonly name: string;
  readonly context: Context;
}

/** One node of the tree: PasteDeploy's LoaderContext. Tables are shared between contexts where its tables are. */
export interface Context {
  readonly kind: Kind;
  /** `broken` only where a load goes on after mistakes: something that could not be made. */
  readonly type: 'plain' | 'pipeline' | 'filter-app' | 'filter-with' | 'broken';
  /** Null until a `use` fills it in, or until an entry point was found. */
  protocol: string | null;
  readonly factory?: FactoryUse;
  readonly globalConf: Map<string, string>;
  readonly localConf: Map<string, Setting>;
  answerer: Answerer;
  named: NamedPlace;
  /** The way to it. Of a factory that a section took through `use`, the way to that section. */
  trail: Trail;
  /** Of a pipeline: its filters, outermost first. */
  readonly filters?: readonly Context[];
  /** Of a pipeline: its app. */
  readonly app?: Context;
  /** Of a filter-app or a filter-with: the filter, and what it is put around. */
  readonly filter?: Context;
  readonly next?: Context;
  readonly children: ChildContext[];
}

/** True where a composite protocol is in force. */
export function isComposite(context: Context): boolean {
  return context.protocol === 'paste.composite_factory' || context.protocol === 'paste.composit_factory';
}

/** The contexts a context is made of: members, filter and what is inside. Children of composites are not among them. */
export function innerContexts({ filters, app, filter, next }: Context): Context[] {
  return [...(filters ?? []), app, filter, next].filter((inner) => inner !== undefined);
}

/** The references that led along a trail, outermost first. */
export function wayOf(trail: Trail | undefined): PasteReference[] {
  const way: PasteReference[] = [];
  for (let at = trail; at !== undefined; at = at.parent) {
    if (at.reference === undefined) continue;
    const { origin, via } = at.reference.place();
    if (origin !== undefined) way.push(...[...via].reverse(), { text: at.reference.text, origin });
  }
  return way.reverse();
}
