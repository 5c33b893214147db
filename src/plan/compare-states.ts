/** Compares two states: APIs with their routes and pipelines, services, and the options of the configuration. */

import { comparePipelines } from './compare-pipelines.js';
import { compareRoutes } from './compare-routes.js';
import { compareSchemas } from './compare-schemas.js';
import { type About, type Difference, difference, pairs, sorted } from './difference.js';
import { optionRule, sameValue, valuesText } from './option-rules.js';
import {
  type ApiState,
  type InterfaceState,
  type JobState,
  optionKey,
  type ServiceState,
  type State,
} from './state.js';
import { namedValue } from './value-path.js';

/** Returns all differences, the worst first. */
export function compareStates(before: State, after: State): Difference[] {
  const changed = options(before, after);
  return sorted([
    ...pairs(before.apis, after.apis, ({ name }) => name).flatMap(([old, now]) => api(old, now, changed)),
    ...pairs(before.services, after.services, ({ name }) => name).flatMap(([old, now]) => service(old, now)),
    ...changed.values(),
  ]);
}

function api(was: ApiState | undefined, is: ApiState | undefined, options: Map<string, Difference>): Difference[] {
  const { name, addresses } = (is ?? was)!;
  const about = { api: name, subject: `api ${name}`, old: was?.place ?? null, new: is?.place ?? null };
  const on = addresses.join(', ');
  if (was === undefined) return [difference(about, 'api-added', `new, on ${on}`, { change: 'added' })];
  if (is === undefined) return [difference(about, 'api-removed', `no longer served on ${on}`, { change: 'removed' })];
  const effect = 'needs a restart' as const;
  const found: Difference[] = [];
  const lost = was.addresses.filter((each) => !is.addresses.includes(each));
  const won = is.addresses.filter((each) => !was.addresses.includes(each));
  if (lost.length > 0) {
    const now = won.length > 0 ? `listens on ${won.join(', ')}, and no longer on` : 'no longer listens on';
    found.push(difference(about, 'address-removed', `${now} ${lost.join(', ')}`, { effect }));
  } else if (won.length > 0) {
    found.push(difference(about, 'address-added', `also listens on ${won.join(', ')}`, { effect }));
  }
  if (was.tls !== is.tls) found.push(difference(about, 'tls-changed', `${scheme(was)} -> ${scheme(is)}`, { effect }));
  found.push(...workers(about, was, is));
  if (was.app !== is.app) found.push(difference(about, 'api-app-changed', `app ${was.app} -> ${is.app}`));
  return [...found, ...compareRoutes(was, is), ...comparePipelines(was, is, options), ...jobs(name, was.jobs, is.jobs)];
}

function workers(
  about: About,
  { workers: was }: Pick<ApiState, 'workers'>,
  { workers: is }: Pick<ApiState, 'workers'>,
): Difference[] {
  if (was === is) return [];
  return [difference(about, 'workers-changed', `workers ${was} -> ${is}`, { effect: 'applied by a reload' })];
}

const scheme = ({ tls }: ApiState): string => (tls ? 'HTTPS' : 'HTTP');

function jobs(owner: string, before: readonly JobState[], after: readonly JobState[]): Difference[] {
  return pairs(before, after, ({ name }) => name).flatMap(([old, now]) => {
    const about = { api: owner, subject: `job ${(now ?? old)!.name}`, old: null, new: null };
    if (old === undefined) return [difference(about, 'job-added', `new, ${now!.schedule}`, { change: 'added' })];
    if (now === undefined) return [difference(about, 'job-removed', 'removed', { change: 'removed' })];
    if (old.schedule === now.schedule) return [];
    return [difference(about, 'job-schedule-changed', `${old.schedule} -> ${now.schedule}`)];
  });
}

function service(was: ServiceState | undefined, is: ServiceState | undefined): Difference[] {
  const { name, topic } = (is ?? was)!;
  const about = { api: null, subject: `service ${name}`, old: was?.place ?? null, new: is?.place ?? null };
  if (was === undefined) return [difference(about, 'service-added', `new, topic ${topic}`, { change: 'added' })];
  if (is === undefined) return [difference(about, 'service-removed', 'no longer runs', { change: 'removed' })];
  const found: Difference[] = [];
  if (was.topic !== is.topic) found.push(difference(about, 'topic-changed', `topic ${was.topic} -> ${is.topic}`));
  found.push(...workers(about, was, is));
  const interfaces = pairs(was.interfaces, is.interfaces, ({ namespace, version }) => `${namespace} ${major(version)}`);
  return [
    ...found,
    ...interfaces.flatMap(([old, now]) => contract({ ...about, subject: `rpc ${name}` }, old, now)),
    ...jobs(name, was.jobs, is.jobs),
  ];
}

const major = (version: string): string => version.split('.')[0]!;

function contract(about: About, was: InterfaceState | undefined, is: InterfaceState | undefined): Difference[] {
  const { namespace, version } = (is ?? was)!;
  const named = `interface ${namespace === null ? '' : `${namespace} `}${version}`;
  if (was === undefined) return [difference(about, 'interface-added', `${named} is new`, { change: 'added' })];
  if (is === undefined) return [difference(about, 'interface-removed', `${named} is removed`, { change: 'removed' })];
  const found: Difference[] = [];
  if (was.version !== is.version)
    found.push(difference(about, 'interface-version-changed', `version ${was.version} -> ${is.version}`));
  for (const method of new Set([...Object.keys(was.methods), ...Object.keys(is.methods)])) {
    const one = { ...about, subject: `${about.subject} ${method}` };
    if (!(method in was.methods)) found.push(difference(one, 'method-added', 'new', { change: 'added' }));
    else if (!(method in is.methods)) found.push(difference(one, 'method-removed', 'removed', { change: 'removed' }));
    else {
      const [old, now] = [was.methods[method] ?? true, is.methods[method] ?? true];
      const args = namedValue('args');
      for (const { rule, text, change, value = null } of compareSchemas(closed(old), closed(now), 'request', args))
        found.push(difference(one, rule, text, { change, value }));
    }
  }
  return found;
}

/** Unknown arguments of a remote call are refused, unless the schema says otherwise. */
function closed(schema: NonNullable<InterfaceState['methods'][string]>): typeof schema {
  return typeof schema === 'object' ? { additionalProperties: false, ...schema } : schema;
}

/** Options that are reported otherwise: as a part of an API or a service. */
const TOLD_ELSEWHERE: readonly RegExp[] = [
  /^api:[^.]*\.(?:listen|port|workers|pipeline)$/,
  /^service:[^.]*\.(?:topic|workers)$/,
  /^DEFAULT\.(?:enabled_apis|enabled_ssl_apis|enabled_services)$/,
];

/** Reports whether the change of an option, `api:compute.port`, is a difference of an API or a service. */
export function isToldElsewhere(option: string): boolean {
  return TOLD_ELSEWHERE.some((each) => each.test(option));
}

/** Returns the changed options by their keys. */
function options(before: State, after: State): Map<string, Difference> {
  const found = pairs(before.options, after.options, optionKey).flatMap(([old, now]): [string, Difference][] => {
    const { group, opt, restart } = (now ?? old)!;
    if (isToldElsewhere(optionKey({ group, opt }))) return [];
    if (sameValue(old, now)) return [];
    // An option that only one state declares, with its default, is none that somebody has changed.
    if ((old === undefined && now!.place === null) || (now === undefined && old!.place === null)) return [];
    const about = { api: null, subject: `[${group}] ${opt}`, old: old?.place ?? null, new: now?.place ?? null };
    const rule = optionRule({ group, opt, old: old?.value ?? null, new: now?.value ?? null });
    const text = valuesText(old, now);
    const change = old === undefined ? 'added' : now === undefined ? 'removed' : 'changed';
    const effect = restart ? 'needs a restart' : 'applied by a reload';
    return [[optionKey({ group, opt }), difference(about, rule, text, { change, effect })]];
  });
  return new Map(found);
}
