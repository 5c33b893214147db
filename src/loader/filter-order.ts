/** Filters in the wrong order in a pipeline: a start warns of them or refuses them, and `check` reports them. */
import type { DeclaredFactory, WantedOrder } from '../app/index.js';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import { FILTERS } from '../filters.js';
import { type Context, type FactoryUse, headerOf, sectionOf } from './load-context.js';
import { additionsOfNode, type ContextTree, treeOf } from './tree.js';

/** The code of these warnings and errors. */
export const FILTER_ORDER = 'PORTICO_PASTE_FILTER_ORDER';

/** A pair of filters in the wrong order. */
export interface WrongOrder {
  readonly origin: Origin | undefined;
  readonly message: string;
  readonly hint: string;
  /** True if the pipeline cannot work in this order. */
  readonly refused: boolean;
}

/** Reason for filters that must be inside `cors`: each one rejects a preflight, without CORS headers. */
const PREFLIGHT =
  'a preflight has no credentials, and its responses have no CORS headers, so browsers cannot read them';

/**
 * Pairs of outer and inner filter, and the reason. Names are those of Portico's filters: the groups of their options. For each pair, a
 * test sends requests through both orders.
 */
export const PAIRS: readonly (readonly [outer: string, inner: string, why: string])[] = [
  ...['auth_token', 'basic_auth', 'jwt', 'noauth', 'context'].map((inner) => ['cors', inner, PREFLIGHT] as const),
  ['proxy_headers', 'rate_limit', 'all clients behind the proxy would count as one'],
  ['proxy_headers', 'allowed_hosts', 'it would see the host that the proxy sends, not that of the client'],
  ['path_prefix', 'rate_limit', 'its path rules would not match paths with the prefix'],
  ['path_prefix', 'auth_token', 'access rules would be compared with paths with and without the prefix'],
  ['path_prefix', 'read_only', 'exempt paths would not match paths with the prefix'],
];

/**
 * Returns the known pairs of filters in the wrong order; their factories must be resolved. `entered`: requests reach the pipeline
 * directly or through URL maps only, so no filter outside it can do the work of an inner filter.
 */
export async function wrongOrders(context: Context, config: Config, entered: boolean): Promise<WrongOrder[]> {
  const found = context.filters.filter(({ type }) => type !== 'broken');
  const filters = found.map((filter) => ({
    filter,
    name: nameOfFilter(filter),
    shown: headerOf(filter).name,
  }));
  const wanted: WrongOrder[] = [];
  for (const [at, { filter, shown }] of filters.entries()) {
    const order = wantedOrder(filter, config);
    const isOne = (other: { readonly name: string | undefined }): boolean =>
      order?.behind.includes(other.name ?? '') === true;
    if (order === undefined || filters.slice(0, at).some(isOne)) continue;
    const inner = filters.slice(at + 1).find(isOne);
    const { refused = false, needsCaller = false, why } = order;
    const isCertain =
      (inner === undefined ? needsCaller : refused) &&
      entered &&
      (await noneFindsCaller(context.filters.slice(0, context.filters.indexOf(filter)), config));
    const { origin } = filter.reference;
    if (inner !== undefined) {
      const { hint = `Put ${inner.shown} before ${shown}.` } = order;
      wanted.push({ origin, message: `${shown} comes before ${inner.shown}: ${why}.`, hint, refused: isCertain });
    } else if (isCertain) {
      const hint = `Put a filter that authenticates before ${shown}: ${order.behind.join(', ')}, or your own.`;
      wanted.push({ origin, message: `no filter before ${shown} authenticates: ${why}.`, hint, refused: false });
    }
  }
  const pairs = PAIRS.flatMap(([outer, inner, why]) => {
    const outerAt = filters.findIndex(({ name }) => name === outer);
    const innerAt = filters.findIndex(({ name }) => name === inner);
    if (outerAt < 0 || innerAt < 0 || outerAt < innerAt) return [];
    const { filter, shown } = filters[outerAt]!;
    const within = filters[innerAt]!.shown;
    return [
      {
        origin: filter.reference.origin,
        message: `${shown} comes after ${within}: ${why}.`,
        hint: `Put ${shown} before ${within}.`,
        refused: false,
      },
    ];
  });
  return [...pairs, ...wanted];
}

/** Returns the order that a filter requires with its options here. */
function wantedOrder(filter: Context, config: Config): WantedOrder | undefined {
  const { group, options, order } = (factoryOf(filter)?.value ?? {}) as Partial<DeclaredFactory>;
  if (group === undefined || options === undefined || order === undefined) return undefined;
  try {
    return order(config.group(group, options, { local: sectionOf(filter).options }));
  } catch {
    // The filter's factory reports invalid options.
    return undefined;
  }
}

async function noneFindsCaller(filters: readonly Context[], config: Config): Promise<boolean> {
  if (filters.length === 0) return true;
  const findsNone = await findsNoCaller(config);
  return filters.every((filter) => findsNone(treeOf(filter)));
}

/** Returns the name of one of Portico's filters, independent of the section's name. */
function nameOfFilter(context: Context): string | undefined {
  const factory = factoryOf(context)?.value as { group?: unknown; expression?: { name?: string } } | undefined;
  if (typeof factory?.group === 'string') return GROUPS.get(factory.group) ?? factory.group;
  return snake(factory?.expression?.name ?? (factory as { name?: string } | undefined)?.name);
}

function factoryOf(context: Context): FactoryUse | undefined {
  return (context.inner ?? context).factory;
}

/** Names of filters whose options are in a group with another name. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ['keystone_authtoken', 'auth_token'],
  ['oslo_middleware', 'sizelimit'],
]);

function snake(name: string | undefined): string | undefined {
  return name?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

// Filters that certainly do not identify the caller.

/** Returns the factories of Portico's filters and apps: the apps among them have no Router. */
export async function bundledParts(): Promise<ReadonlySet<unknown>> {
  return new Set(Object.values(await bundledFactories()));
}

/** Returns Portico's filters and apps, by the names of their exports. */
async function bundledFactories(): Promise<Readonly<Record<string, unknown>>> {
  const loaded = Object.entries(FILTERS).map(async ([name, load]) => {
    return [name, ((await load()) as Record<string, unknown>)[name]] as const;
  });
  return Object.fromEntries(await Promise.all(loaded));
}

/**
 * Returns a function that reports whether a filter certainly does not identify the caller: one of Portico's filters whose additions
 * to documents have no `security`. A filter of the application may set `environ(req).identity`, and `connect` runs middleware of any package.
 */
export async function findsNoCaller(config: Config): Promise<(filter: ContextTree) => boolean> {
  const { connect: _, ...middleware } = await bundledFactories();
  const bundled = new Set(Object.values(middleware));
  return (filter) => {
    if (!bundled.has(filter.resolved)) return false;
    try {
      return additionsOfNode(filter, config).every(({ security }) => security === undefined);
    } catch {
      // The filter's factory reports invalid options.
      return false;
    }
  };
}
