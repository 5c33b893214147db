/** The apps of services, with what was counted of each filter. */
import type { Totals } from '../../metrics/index.js';
import type { PlannedApp } from '../../service/index.js';
import type { Stage, StagedApp } from './pipeline-picture.js';

/** `apps`: by service. */
export function stagesOf(apps: ReadonlyMap<string, PlannedApp>, totals: Totals): ReadonlyMap<string, StagedApp> {
  const times = totals.of('filters');
  const errors = totals.of('filterErrors');
  const stage = (service: string, pipeline: string | undefined, name: string): Stage => {
    const isOwn = ({ api, labels }: (typeof times)[number]): boolean =>
      api === service && labels[0] === pipeline && labels[1] === name;
    const own = times.filter(isOwn);
    if (own.length === 0) return { name };
    const [inward, out] = ['in', 'out'].map((direction) => mean(own.filter(({ labels }) => labels[2] === direction)));
    return {
      name,
      requests: inward!.count,
      in: inward!.mean,
      out: out!.mean,
      errors: errors.filter(isOwn).reduce((sum, { values }) => sum + values.sum, 0),
    };
  };
  const staged = (service: string, { name, pipeline, filters = [], inner, branches = [] }: PlannedApp): StagedApp => ({
    name,
    filters: filters.map((filter) => stage(service, pipeline, filter)),
    inner: inner && staged(service, inner),
    branches: branches.map(({ at, app }) => ({ at, app: staged(service, app) })),
  });
  return new Map([...apps].map(([service, app]) => [service, staged(service, app)]));
}

function mean(all: ReturnType<Totals['of']>): { count: number; mean: number | undefined } {
  const count = all.flatMap(({ values }) => values.counts).reduce((sum, each) => sum + each, 0);
  const sum = all.reduce((total, { values }) => total + values.sum, 0);
  return { count, mean: count === 0 ? undefined : sum / count };
}
