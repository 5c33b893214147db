/**
 * Methods that a service offers to others, as data to keep with its code: each release is compared with the previous one.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ExposurePolicy } from '../exposed-methods.js';
import { isCompatible } from '../message/versions.js';
import type { ArgumentSchema } from './arguments.js';
import { Endpoints } from './endpoints.js';

/** One interface of a service. */
export interface RpcContract {
  readonly namespace: string | null;
  /** Earlier names, under which it is served too. Absent: none. */
  readonly acceptedNamespaces?: readonly string[];
  readonly version: string;
  /** Methods by name, with the schema of their arguments; null: any. */
  readonly methods: Readonly<Record<string, ArgumentSchema | null>>;
}

/**
 * Returns the contract of endpoints (managers and their further endpoints); `policy` as for `exposedMethods`. Throws the errors of a start.
 */
export function rpcContract(endpoints: readonly object[], policy?: ExposurePolicy): RpcContract[] {
  return new Endpoints(endpoints, policy).described.map(({ namespaces, version, methods }) => {
    const [namespace = null, ...accepted] = namespaces;
    return {
      namespace,
      ...(accepted.length === 0 ? {} : { acceptedNamespaces: accepted as string[] }),
      version,
      methods: Object.fromEntries([...methods].map(([name, { options }]) => [name, options.args ?? null])),
    };
  });
}

/**
 * Returns errors in the versions of a release: an added method or optional argument requires a new minor version; anything removed or
 * changed requires a new major version, and the previous one stays for a release.
 */
export function contractErrors(before: readonly RpcContract[], after: readonly RpcContract[]): string[] {
  const issues = before.flatMap((old) => {
    const name = `${old.namespace ?? 'the interface'} ${old.version}`;
    const now = after.filter((each) => isServedAs(each, old.namespace) && majorOf(each) === majorOf(old));
    if (now.length > 0) return changesOf(name, old, now, { before, after });
    const newer = before.some((each) => isServedAs(each, old.namespace) && majorOf(each) > majorOf(old));
    return newer ? [] : [`${name} was removed: keep serving it for one release, beside its successor`];
  });
  return [...new Set(issues)];
}

interface Releases {
  readonly before: readonly RpcContract[];
  readonly after: readonly RpcContract[];
}

/** `now`: the present interfaces of that name and major version. */
function changesOf(name: string, old: RpcContract, now: readonly RpcContract[], { before, after }: Releases): string[] {
  if (!now.some(({ version }) => isCompatible(version, old.version))) {
    return [`${name}: ${now[0]!.version} is an older version`];
  }
  const major = (what: string): string => `${name}: ${what}: this needs a new major version, ${majorOf(old) + 1}.0`;
  const broken = Object.keys(old.methods).flatMap((method) => {
    const schema = served(after, old, method);
    if (schema === undefined) return [major(`${method} is gone`)];
    return accepts(schema, served(before, old, method)!) ? [] : [major(`arguments of ${method} have changed`)];
  });
  if (broken.length > 0) return broken;
  // A client that requests this version may reach a service of the previous release.
  const isNew = ({ version, methods }: RpcContract): boolean =>
    Object.keys(methods).some((method) => {
      // A revision of the same minor version is not newer.
      const asked = { namespace: old.namespace, version: isCompatible(old.version, version) ? version : old.version };
      return !isDeepStrictEqual(served(after, asked, method), served(before, asked, method));
    });
  if (!now.some((each) => minorOf(each) <= minorOf(old) && isNew(each))) return [];
  return [`${name}: it has new methods or arguments: this needs a new minor version`];
}

/**
 * Returns the schema of the endpoint that serves a call: of several endpoints, the first that matches and has the method. Undefined if none
 * has.
 */
function served(
  release: readonly RpcContract[],
  { namespace, version }: Pick<RpcContract, 'namespace' | 'version'>,
  method: string,
): ArgumentSchema | null | undefined {
  const fits = (each: RpcContract): boolean => isServedAs(each, namespace) && isCompatible(each.version, version);
  return release.find((each) => fits(each) && Object.hasOwn(each.methods, method))?.methods[method];
}

function isServedAs({ namespace, acceptedNamespaces = [] }: RpcContract, asked: string | null): boolean {
  return namespace === asked || (asked !== null && acceptedNamespaces.includes(asked));
}

/** Reports whether one schema accepts everything that another accepts, as far as equal schemas and added arguments show. */
function accepts(now: ArgumentSchema | null, old: ArgumentSchema | null): boolean {
  if (now === null || isDeepStrictEqual(now, old)) return true;
  if (old === null) return false;
  const { properties: has = {}, ...others } = now;
  const { properties: had = {}, ...same } = old;
  const kept = Object.entries(had as object).every(([name, schema]) =>
    isDeepStrictEqual((has as Readonly<Record<string, unknown>>)[name], schema),
  );
  return kept && isDeepStrictEqual(others, same);
}

function majorOf({ version }: RpcContract): number {
  return Number(version.split('.')[0]);
}

function minorOf({ version }: RpcContract): number {
  return Number(version.split('.')[1]);
}
