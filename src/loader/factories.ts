/**
 * The factories that a paste file names, each with what stands for it, as far as that is known without a factory being imported or called. The
 * file need not load.
 */
import { byOption } from './composite/by-option.js';
import { cascade } from './composite/cascade.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import { normalExpression } from './expression.js';
import { Load, type LoadParts } from './load.js';
import { type Context, headerOf, isComposite, partsOf } from './load-context.js';
import { Unimported } from './resolver.js';
import { definedBy } from './section.js';

/** A factory of an app or a filter. */
export interface NamedFactory {
  /** The name that an alias would have: an expression, or `egg:distribution#name`. */
  readonly name: string;
  /** Names of the sections that name it, each once, in the order of the file. */
  readonly sections: readonly string[];
  /** `module:export` that the name leads to; undefined if nothing has it. */
  readonly target: string | undefined;
  /** The loss with the target in place of the factory of that name, as a clause. */
  readonly lost: string | undefined;
}

/** Returns the factories of all sections of a file, each once, in the order of the file. */
export async function namedFactories(parts: LoadParts): Promise<readonly NamedFactory[]> {
  const load = new Load(parts, false);
  const source = load.open();
  const contexts: Context[] = [];
  for (const section of source.document.sections.values()) {
    const defined = definedBy(section);
    if (defined === undefined || defined.kind === 'server') continue;
    contexts.push(load.within(source, defined.kind, defined.name));
    // Errors are reported by `check`; here a name that leads nowhere has no target.
    for await (const _ of load.resolve());
  }
  const found = new Map<string, NamedFactory & { sections: string[] }>();
  for (const context of contexts.flatMap(withParts)) {
    const { kind, factory } = context;
    if (factory === undefined || factory.written === '' || kind === 'server') continue;
    const name = aliasName(factory.written);
    const protocol = context.protocol ?? `paste.${isCompositeSection(context) ? 'composite' : kind}_factory`;
    const { name: header } = headerOf(context);
    const known = found.get(`${protocol} ${name}`);
    if (known?.sections.includes(header) === false) known.sections.push(header);
    if (known !== undefined) continue;
    const target = factory.resolved ? targetOf(factory.value) : undefined;
    found.set(`${protocol} ${name}`, {
      name,
      sections: [header],
      target,
      lost: load.aliasOf(context)?.lost,
    });
  }
  return [...found.values()];
}

function withParts(context: Context): readonly Context[] {
  return [context, ...partsOf(context).flatMap(withParts)];
}

function isCompositeSection(context: Context): boolean {
  return isComposite(context) || headerOf(context).prefix.startsWith('composit');
}

/** Returns the name of a factory in aliases. */
function aliasName(written: string): string {
  if (written.startsWith('egg:')) return written;
  return normalExpression(written.replace(/^call:/, ''));
}

/** Returns the module and the export of a factory that was located. */
function targetOf(value: unknown): string | undefined {
  if (!(value instanceof Unimported)) return COMPOSITES.get(value);
  const { module, name } = value.expression;
  return name === undefined ? module : `${module}:${name}`;
}

/** The Loader's own composites, which need no import. */
const COMPOSITES: ReadonlyMap<unknown, string> = new Map(
  Object.entries({ urlmap, versionedUrlmap, cascade, byOption }).map(([name, value]) => [
    value,
    `portico/loader:${name}`,
  ]),
);
