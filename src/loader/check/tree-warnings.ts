/**
 * What looks wrong in the trees of a file: filters out of order, options that go nowhere.
 */
import type { Origin } from '../../errors.js';
import type { Context } from '../context.js';
import type { Setting } from '../source.js';
import type { Findings } from './finding.js';

/** A pair of filters that stands in the wrong order. */
export interface OrderWarning {
  readonly origin: Origin | undefined;
  readonly message: string;
  readonly hint: string;
}

/** Outer before inner, and why. Names are those of Portico's filters: the groups their options are declared in. */
const PAIRS: readonly (readonly [outer: string, inner: string, why: string])[] = [
  [
    'cors',
    'auth_token',
    'a preflight carries no credentials, and a 401 without CORS headers is unreadable to a browser',
  ],
  [
    'cors',
    'basic_auth',
    'a preflight carries no credentials, and a 401 without CORS headers is unreadable to a browser',
  ],
  ['cors', 'jwt', 'a preflight carries no credentials, and a 401 without CORS headers is unreadable to a browser'],
  ['proxy_headers', 'rate_limit', 'clients behind the proxy would all count as one'],
  ['request_id', 'request_log', 'its lines would have no request id'],
  ['sizelimit', 'etag', 'it reads bodies without a limit'],
  ['sizelimit', 'audit', 'it reads bodies without a limit'],
];

/** Filters of a pipeline that stand twice. */
export function warnOfRepeats(context: Context, findings: Findings): void {
  const met = new Set<string>();
  for (const filter of context.filters ?? []) {
    const text = filter.trail.reference?.text ?? '';
    if (met.has(text)) {
      const place = filter.trail.reference?.place().origin;
      findings.warning('PORTICO_PASTE_FILTER_TWICE', place, '', `the filter "${text}" stands twice in this pipeline.`);
    }
    met.add(text);
  }
}

/** Known pairs of filters in the wrong order; their factories must be resolved. */
export function orderWarnings(context: Context): OrderWarning[] {
  const filters = (context.filters ?? []).map((filter) => ({ filter, name: nameOfFilter(filter) }));
  return PAIRS.flatMap(([outer, inner, why]) => {
    const outerAt = filters.findIndex(({ name }) => name === outer);
    const innerAt = filters.findIndex(({ name }) => name === inner);
    if (outerAt < 0 || innerAt < 0 || outerAt < innerAt) return [];
    const { filter } = filters[outerAt]!;
    return [
      {
        origin: filter.trail.reference?.place().origin,
        message: `${outer} stands inside ${inner}: ${why}.`,
        hint: `Put ${outer} before ${inner}.`,
      },
    ];
  });
}

/** Options that a section gives to what it uses, and that no factory gets. */
export function warnOfLost(localConf: ReadonlyMap<string, Setting>, context: Context, findings: Findings): void {
  if (reachesFactory(context)) return;
  const what = context.type === 'pipeline' ? 'a pipeline' : `the filter around "${context.named.name}"`;
  for (const setting of localConf.values()) {
    const { origin } = setting.option;
    findings.warning(
      'PORTICO_PASTE_LOST_OPTION',
      origin,
      origin.file,
      `this option goes nowhere: the section uses ${what}, and no factory gets it.`,
      'Write it in the section of the app or filter it is meant for.',
    );
  }
}

function reachesFactory(context: Context): boolean {
  switch (context.type) {
    case 'pipeline':
      return false;
    case 'filter-app':
      return context.filter!.localConf === context.localConf && reachesFactory(context.filter!);
    case 'filter-with':
      return context.next!.localConf === context.localConf && reachesFactory(context.next!);
    default:
      return true;
  }
}

/** The name of one of Portico's filters, however the section is called. */
function nameOfFilter(context: Context): string | undefined {
  const inner = context.type === 'filter-with' ? context.next! : context;
  const factory = inner.factory?.value as { group?: unknown; expression?: { attribute?: string } } | undefined;
  if (typeof factory?.group === 'string') return GROUPS.get(factory.group) ?? factory.group;
  return snake(factory?.expression?.attribute ?? (factory as { name?: string } | undefined)?.name);
}

/** Filters whose options live in a group with another name. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ['keystone_authtoken', 'auth_token'],
  ['oslo_middleware', 'sizelimit'],
]);

function snake(name: string | undefined): string | undefined {
  return name?.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
