/**
 * The plain parts of making contexts.
 */
import { type PasteSection, strip } from '../ini/index.js';
import type { Answerer, Context, Trail } from './context.js';
import type { Kind } from './section.js';
import type { SectionSettings } from './settings.js';
import type { Source } from './source.js';

/** What a context is called after its section. */
function namedAfter(section: PasteSection): Context['named'] {
  const colon = section.name.indexOf(':');
  const prefix = colon < 0 ? section.name : section.name.slice(0, colon);
  const name = colon < 0 ? '' : strip(section.name.slice(colon + 1));
  return { prefix, name, origin: () => section.origin };
}

/** A section that is being made into a context, in one place of the tree. */
export interface EnteredSection {
  readonly source: Source;
  readonly section: PasteSection;
  /** What was asked for. */
  readonly kind: Kind;
  readonly settings: SectionSettings;
  readonly trail: Trail;
}

/** What the context of any section has. */
export function outer({ source, section, kind, settings: { globalConf, localConf }, trail }: EnteredSection) {
  const answerer: Answerer = { form: 'file', source };
  return { kind, protocol: null, globalConf, localConf, answerer, named: namedAfter(section), trail, children: [] };
}

/** A context that `egg:` or `call:` gives: it holds the very global_conf it was handed. */
export function leaf(
  kind: Kind,
  protocol: string | null,
  handedIn: ReadonlyMap<string, string> | undefined,
  answerer: Answerer,
  trail: Trail,
  factory: NonNullable<Context['factory']>,
): Context {
  const globalConf =
    handedIn instanceof Map && handedIn.size > 0 ? (handedIn as Map<string, string>) : new Map<string, string>();
  const named = { prefix: kind, name: trail.reference?.text ?? '', origin: () => trail.reference?.place().origin };
  return {
    kind,
    type: 'plain',
    protocol,
    factory,
    globalConf,
    localConf: new Map(),
    answerer,
    named,
    trail,
    children: [],
  };
}

/** The protocol a `call:` gets from the prefix of the section that uses it; for some prefixes there is none. */
function protocolOfPrefix(prefix: string): string {
  if (prefix === 'application') return 'paste.app_factory';
  if (prefix === 'composite' || prefix === 'composit') return 'paste.composit_factory';
  return `paste.${prefix}_factory`;
}

/**
 * A section takes what it uses for its own. It is changed in place, as PasteDeploy does it: tables that are shared show
 * it elsewhere too.
 */
export function useIn(context: Context, { source, section, settings, trail }: EnteredSection): void {
  const { globalConf, localConf, additions } = settings;
  for (const [name, value] of additions) context.globalConf.set(name, value);
  for (const [name, setting] of localConf) context.localConf.set(name, setting);
  const file = globalConf.get('__file__');
  if (file !== undefined) context.globalConf.set('__file__', file);
  context.answerer = { form: 'file', source };
  context.named = namedAfter(section);
  if (context.trail.section === undefined) context.trail = trail;
  if (context.protocol === null && context.factory?.written.startsWith('egg:') !== true) {
    context.protocol = protocolOfPrefix(context.named.prefix);
  }
}

/** Stands in the tree for what could not be made, where a load goes on after mistakes. */
export function broken(kind: Kind, trail: Trail): Context {
  const answerer: Answerer = { form: 'call', expression: '' };
  return { ...leaf(kind, 'broken', undefined, answerer, trail, NO_FACTORY), type: 'broken' };
}

const NO_FACTORY = { written: '', origin: () => undefined, resolved: false, value: undefined };
