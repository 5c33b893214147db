/** The stages of pipelines, with what was counted of each. */
import type { Totals } from '../../metrics/index.js';
import type { Stage } from './pipeline-picture.js';

/** `pipelines`: by name, each with its filters in order and its app last. */
export function stagesOf(
  pipelines: ReadonlyMap<string, readonly string[]>,
  totals: Totals,
): ReadonlyMap<string, readonly Stage[]> {
  const times = totals.of('filters');
  const errors = totals.of('filterErrors');
  const stage = (pipeline: string, name: string): Stage => {
    const own = times.filter(({ labels }) => labels[0] === pipeline && labels[1] === name);
    if (own.length === 0) return { name };
    const [inward, out] = ['in', 'out'].map((direction) => mean(own.filter(({ labels }) => labels[2] === direction)));
    const failed = errors.filter(({ labels }) => labels[0] === pipeline && labels[1] === name);
    return {
      name,
      requests: inward!.count,
      in: inward!.mean,
      out: out!.mean,
      errors: failed.reduce((sum, { values }) => sum + values.sum, 0),
    };
  };
  return new Map(
    [...pipelines].map(([pipeline, names]) => [
      pipeline,
      names.map((name, at) => (at === names.length - 1 ? { name } : stage(pipeline, name))),
    ]),
  );
}

function mean(all: ReturnType<Totals['of']>): { count: number; mean: number | undefined } {
  const count = all.flatMap(({ values }) => values.counts).reduce((sum, each) => sum + each, 0);
  const sum = all.reduce((total, { values }) => total + values.sum, 0);
  return { count, mean: count === 0 ? undefined : sum / count };
}
