/**
 * The tree of a paste file: what would be called, with which configuration, where it stands, and what led there.
 */
import type { Conf, Section } from '../app/index.js';
import type { WrittenValue } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import { type PasteSection, strip } from '../ini/index.js';
import type { Reference } from './reference.js';
import type { Kind } from './section.js';
import type { SectionSettings } from './settings.js';
import type { Setting, Source } from './source.js';

/** Who answers when a composite asks for its children: a file, a distribution, or nothing at all. */
export type Answerer =
  | { readonly form: 'file'; readonly source: Source }
  | { readonly form: 'egg'; readonly distribution: string }
  | { readonly form: 'call'; readonly expression: string };

/** The factory of a context: as written, and once resolved what it is. */
export interface FactoryUse {
  /** The expression as written, `call:` and the expression, or `egg:distribution#name`. */
  readonly written: string;
  /** The option or reference it stands at. */
  readonly origin: Origin | undefined;
  resolved: boolean;
  value: unknown;
}

/** One node of the tree: PasteDeploy's LoaderContext. Tables are shared between contexts where its tables are. */
export interface Context {
  readonly kind: Kind;
  /** `broken`: something that could not be made; the load is refused for it. */
  readonly type: 'plain' | 'pipeline' | 'filter-app' | 'filter-with' | 'broken';
  /** Null until a `use` fills it in, or until an entry point was found. */
  protocol: string | null;
  readonly factory?: FactoryUse;
  readonly globalConf: Map<string, string>;
  readonly localConf: Map<string, Setting>;
  answerer: Answerer;
  /** What led here. Of a factory that a section took through `use`, what led to that section. */
  reference: Reference;
  /** The section it is named after: the outermost that took it through `use`. Undefined for what a reference names itself. */
  section: PasteSection | undefined;
  /** What sections that took it through `use` have put into it, the innermost first. */
  readonly used: SectionSettings[];
  /** Of a pipeline: its filters, outermost first. */
  readonly filters?: readonly Context[];
  /** Of a pipeline: its app. */
  readonly app?: Context;
  /** Of a filter-app or a filter-with: the filter, and what it is put around. */
  readonly filter?: Context;
  readonly next?: Context;
  readonly children: ChildTree<Context>[];
}

/** A section that is being made into a context, in one place of the tree. */
export interface EnteredSection {
  readonly source: Source;
  readonly section: PasteSection;
  /** What was asked for. */
  readonly kind: Kind;
  readonly settings: SectionSettings;
  readonly reference: Reference;
}

/** True where a composite protocol is in force. */
export function isComposite({ protocol }: Context): boolean {
  return protocol === 'paste.composite_factory' || protocol === 'paste.composit_factory';
}

/** The contexts a context is made of: members, filter and what is inside. Children of composites are not among them. */
export function innerContexts({ filters, app, filter, next }: Context): Context[] {
  return [...(filters ?? []), app, filter, next].filter((inner) => inner !== undefined);
}

/** What a context is called: the header of its section, in its parts, or the reference. */
export function headerOf({ section, kind, reference }: Context): {
  readonly prefix: string;
  readonly name: string;
  readonly origin: Origin | undefined;
} {
  if (section === undefined) return { prefix: kind, name: reference.text ?? '', origin: reference.origin };
  const colon = section.name.indexOf(':');
  const prefix = colon < 0 ? section.name : section.name.slice(0, colon);
  return { prefix, name: colon < 0 ? '' : strip(section.name.slice(colon + 1)), origin: section.origin };
}

/**
 * A section takes what it uses for its own. It is changed in place, as PasteDeploy does it: tables that are shared show
 * it elsewhere too.
 */
export function useIn(context: Context, { source, section, settings, reference }: EnteredSection): void {
  const { globalConf, localConf, additions } = settings;
  for (const [name, value] of additions) context.globalConf.set(name, value);
  for (const [name, setting] of localConf) context.localConf.set(name, setting);
  const file = globalConf.get('__file__');
  if (file !== undefined) context.globalConf.set('__file__', file);
  context.used.push(settings);
  context.answerer = { form: 'file', source };
  context.section = section;
  if (context.reference.section === undefined) context.reference = reference;
  if (context.protocol === null && context.factory?.written.startsWith('egg:') !== true) {
    context.protocol = protocolOfPrefix(section.name);
  }
}

/** The protocol a `call:` gets from the prefix of the section that uses it; for some prefixes there is none. */
function protocolOfPrefix(header: string): string {
  const [prefix = ''] = header.split(':', 1);
  if (prefix === 'application') return 'paste.app_factory';
  if (prefix === 'composite' || prefix === 'composit') return 'paste.composit_factory';
  return `paste.${prefix}_factory`;
}

/** The section as its factory is told of it. */
export function sectionOf(context: Context): Section {
  const options = new Map<string, WrittenValue>();
  for (const [name, { value, option }] of context.localConf) options.set(name, { value, origin: option.origin });
  const { prefix, name, origin } = headerOf(context);
  return { kind: FULL_PREFIX.get(prefix) ?? prefix, name, origin: origin ?? IN_NO_FILE, options };
}

const FULL_PREFIX: ReadonlyMap<string, string> = new Map([
  ['application', 'app'],
  ['composit', 'composite'],
]);

/** Of a factory that a program named itself. */
const IN_NO_FILE = Object.freeze({ file: '', line: 1, column: 1 });

/** One node of a paste file's tree: what PasteDeploy calls a context. */
export interface ContextTree {
  readonly kind: Kind;
  readonly type: 'app' | 'composite' | 'filter' | 'server' | 'pipeline' | 'filter-app' | 'filter-with';
  /** The section's name without its prefix; of a factory named straight by a URI, the URI. */
  readonly name: string;
  readonly prefix: string;
  readonly origin: Origin | undefined;
  readonly protocol: string | null;
  /** As written; absent where no factory is called: pipelines, filter-apps, filter-withs. */
  readonly factory?: string;
  /** What the factory expression leads to; absent until it was resolved. */
  readonly resolved?: unknown;
  /** Who answers when a composite asks for its children: the path of a file, `egg:…` or `call:…`. */
  readonly loader: string;
  readonly globalConf: Conf;
  readonly localConf: Conf;
  /** The options of `localConf` with their places. */
  readonly options: ReadonlyMap<string, WrittenValue>;
  readonly filters?: readonly ContextTree[];
  readonly app?: ContextTree;
  readonly filter?: ContextTree;
  readonly next?: ContextTree;
  /** Of a composite: its children, in the order it asks for them. */
  readonly children?: readonly ChildTree[];
}

/** A child of a composite: the reference it asked for, and what that leads to. */
export interface ChildTree<C = ContextTree> {
  readonly get: Kind;
  readonly name: string;
  /** The option that names it, where the composite has told that. */
  readonly option?: string | undefined;
  readonly context: C;
}

/** The tree from a context on, as it is now. `note` is told which node is of which context. */
export function treeOf(
  context: Context,
  note: (node: ContextTree, context: Context) => void = () => undefined,
): ContextTree {
  const inner = (part: Context): ContextTree => treeOf(part, note);
  const { kind, factory, answerer } = context;
  const { prefix, name, origin } = headerOf(context);
  const composite = isComposite(context);
  const node: ContextTree = {
    kind,
    type: context.type === 'plain' || context.type === 'broken' ? (composite ? 'composite' : kind) : context.type,
    name,
    prefix,
    origin,
    protocol: context.protocol,
    ...(factory === undefined ? {} : { factory: factory.written }),
    ...(factory?.resolved === true ? { resolved: factory.value } : {}),
    loader:
      answerer.form === 'file'
        ? answerer.source.path
        : answerer.form === 'egg'
          ? `egg:${answerer.distribution}`
          : `call:${answerer.expression}`,
    globalConf: new Map(context.globalConf),
    localConf: new Map([...context.localConf].map(([name, { value }]) => [name, value])),
    options: sectionOf(context).options,
    ...(context.filters === undefined ? {} : { filters: context.filters.map(inner) }),
    ...(context.app === undefined ? {} : { app: inner(context.app) }),
    ...(context.filter === undefined ? {} : { filter: inner(context.filter) }),
    ...(context.next === undefined ? {} : { next: inner(context.next) }),
    ...(composite && { children: context.children.map((child) => ({ ...child, context: inner(child.context) })) }),
  };
  note(node, context);
  return node;
}
