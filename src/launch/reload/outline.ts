/**
 * What a reload changes in the pipelines of its services: for its report.
 */
import type { Config } from '../../config/index.js';
import type { ServiceBase } from '../../service/index.js';

/** One pipeline that is not what it was. A new one has all its parts added, one that is gone all of them removed. */
export interface PipelineChange {
  readonly pipeline: string;
  /** Filters and apps, by name. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Those that are in both and stand elsewhere among the others: the fewest that explain the new order. */
  readonly moved: readonly string[];
}

type Outline = ReadonlyMap<string, readonly string[]>;

/** The pipelines of services, as a configuration has them. Of one that cannot tell, none: others say why. */
export function outlineOf(services: Iterable<ServiceBase>, config: Config | undefined): Outline {
  const all = new Map<string, readonly string[]>();
  if (config === undefined) return all;
  for (const service of services) {
    for (const [name, parts] of told(service, config)) all.set(name, parts);
  }
  return all;
}

/** What became of each pipeline, in the order of the new ones; those that are gone last. */
export function compareOutlines(before: Outline, after: Outline): PipelineChange[] {
  const names = new Set([...after.keys(), ...before.keys()]);
  return [...names]
    .map((pipeline) => ({ pipeline, ...compared(before.get(pipeline) ?? [], after.get(pipeline) ?? []) }))
    .filter(({ added, removed, moved }) => added.length + removed.length + moved.length > 0);
}

function told(service: ServiceBase, config: Config): Outline {
  try {
    return service.outline?.(config) ?? new Map();
  } catch {
    // The check of the reload finds the same mistake, and refuses it with its place.
    return new Map();
  }
}

function compared(before: readonly string[], after: readonly string[]): Omit<PipelineChange, 'pipeline'> {
  const [old, now] = [numbered(before), numbered(after)];
  const common = now.filter((part) => old.includes(part));
  const inOrder = longestRun(common.map((part) => old.indexOf(part)));
  const names = (parts: readonly string[]): string[] => parts.map((part) => part.slice(part.indexOf(' ') + 1));
  return {
    added: names(now.filter((part) => !old.includes(part))),
    removed: names(old.filter((part) => !now.includes(part))),
    moved: names(common.filter((part) => !inOrder.has(old.indexOf(part)))),
  };
}

/** A filter may stand twice in a pipeline: each has its number among those of its name in front. */
function numbered(parts: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return parts.map((part) => {
    const number = (seen.get(part) ?? 0) + 1;
    seen.set(part, number);
    return `${number} ${part}`;
  });
}

/** The longest part of a list of different numbers that rises. */
function longestRun(numbers: readonly number[]): ReadonlySet<number> {
  const best: number[][] = [];
  for (const [at, number] of numbers.entries()) {
    const before = best.slice(0, at).filter((run) => run.at(-1)! < number);
    const longest = before.reduce<number[]>((one, other) => (other.length > one.length ? other : one), []);
    best.push([...longest, number]);
  }
  return new Set(best.reduce((one, other) => (other.length > one.length ? other : one), []));
}
