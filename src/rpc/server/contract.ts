/**
 * What a service offers to others, as data to be kept with its code: each release is compared with the one before.
 */
import { isDeepStrictEqual } from 'node:util';
import { isCompatible } from '../message/versions.js';
import type { ArgumentSchema } from './argument-check.js';
import { Endpoints } from './endpoints.js';

/** One interface of a service. */
export interface RpcContract {
  readonly namespace: string | null;
  readonly version: string;
  /** Methods by name, with the schema of their arguments; null: any. */
  readonly methods: Readonly<Record<string, ArgumentSchema | null>>;
}

/** What these endpoints (managers, and what they have beside them) offer. Throws as a start does. */
export function rpcContract(endpoints: readonly object[]): RpcContract[] {
  return new Endpoints(endpoints).described.map(({ namespaces: [namespace = null], version, methods }) => ({
    namespace,
    version,
    methods: Object.fromEntries([...methods].map(([name, { options }]) => [name, options.args ?? null])),
  }));
}

/**
 * What is wrong with the versions of a release: an added method or optional argument is a new minor version, anything removed or
 * changed a new major one, beside which the one before is served for a release.
 */
export function contractMistakes(before: readonly RpcContract[], after: readonly RpcContract[]): string[] {
  return before.flatMap((old) => {
    const name = `${old.namespace ?? 'the interface'} ${old.version}`;
    const now = after.find((each) => each.namespace === old.namespace && majorOf(each) === majorOf(old));
    if (now !== undefined) return changesOf(name, old, now);
    const newer = before.some((each) => each.namespace === old.namespace && majorOf(each) > majorOf(old));
    return newer ? [] : [`${name} is gone: serve it for one release beside its successor`];
  });
}

function changesOf(name: string, old: RpcContract, now: RpcContract): string[] {
  const major = (what: string): string => `${name}: ${what}: that is a new major version, ${majorOf(old) + 1}.0`;
  const broken = Object.entries(old.methods).flatMap(([method, schema]) => {
    if (!Object.hasOwn(now.methods, method)) return [major(`${method} is gone`)];
    return accepts(now.methods[method]!, schema) ? [] : [major(`arguments of ${method} have changed`)];
  });
  if (broken.length > 0) return broken;
  if (!isCompatible(now.version, old.version)) return [`${name}: ${now.version} is an older version`];
  const isSame = isDeepStrictEqual(now.methods, old.methods);
  if (isSame || minorOf(now) > minorOf(old)) return [];
  return [`${name}: it has methods or arguments that are new: that is a new minor version`];
}

/** Whether all that one schema takes another takes as well, as far as equal ones and arguments that are added show it. */
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
