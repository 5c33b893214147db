/** Differences in the paste file: pipelines, mounts, and the sections of filters and apps. */
import { orderChanges } from '../text/index.js';
import { atWorst, type Difference, difference, pairs } from './difference.js';
import { optionRule, sameValue, valuesText } from './option-rules.js';
import type { ApiState, MountState, PartState, PipelineState } from './state.js';

/**
 * Returns the differences of what one API uses of its paste file. `options`: changed options of the configuration, by their keys; those that a
 * section takes are told there once, with the worse rule.
 */
export function comparePipelines(before: ApiState, after: ApiState, options: Map<string, Difference>): Difference[] {
  const api = after.name;
  return [
    ...pairs(before.pipelines, after.pipelines, ({ name }) => name).flatMap(([old, now]) => pipeline(api, old, now)),
    ...pairs(before.mounts, after.mounts, ({ composite, at }) => `${composite} ${at}`).flatMap(([old, now]) =>
      mount(api, old, now),
    ),
    ...pairs(before.parts, after.parts, ({ kind, name }) => `${kind} ${name}`).flatMap(([old, now]) =>
      part({ api, options }, old, now),
    ),
  ];
}

/** A pipeline that only one state has is described by its mounts or its API. */
function pipeline(api: string, was: PipelineState | undefined, is: PipelineState | undefined): Difference[] {
  if (was === undefined || is === undefined) return [];
  const about = { api, subject: `pipeline ${is.name}`, old: was.place, new: is.place };
  const { added, removed, moved } = orderChanges(was.filters, is.filters);
  return [
    ...added.map((name) => difference(about, 'filter-added', `${name} is new`, { change: 'added' })),
    ...removed.map((name) => difference(about, 'filter-removed', `${name} is removed`, { change: 'removed' })),
    ...moved.map((name) => difference(about, 'filter-moved', movedText(name, was.filters, is.filters))),
    ...(was.app === is.app ? [] : [difference(about, 'pipeline-app-changed', `app ${was.app} -> ${is.app}`)]),
  ];
}

/** Says which filter it has passed: the last one that was inside it and is outside it now, or the reverse. */
function movedText(name: string, old: readonly string[], now: readonly string[]): string {
  const passed = (from: readonly string[], to: readonly string[]): readonly string[] => {
    const [inside, outside] = [from.slice(from.indexOf(name) + 1), to.slice(0, to.indexOf(name))];
    return outside.filter((each) => inside.includes(each));
  };
  const inward = passed(old, now).at(-1);
  if (inward !== undefined) return `${name} moves inside ${inward}`;
  const outward = old.slice(0, old.indexOf(name)).find((each) => now.indexOf(each) > now.indexOf(name));
  return outward === undefined ? `${name} moves` : `${name} moves outside ${outward}`;
}

function mount(api: string, was: MountState | undefined, is: MountState | undefined): Difference[] {
  const { composite, at, app } = (is ?? was)!;
  const about = { api, subject: `mount ${at}`, old: was?.place ?? null, new: is?.place ?? null };
  if (was === undefined) return [difference(about, 'mount-added', `${app} in ${composite}`, { change: 'added' })];
  if (is === undefined) return [difference(about, 'mount-removed', `removed from ${composite}`, { change: 'removed' })];
  return was.app === app ? [] : [difference(about, 'mount-changed', `${was.app} -> ${app}`)];
}

/** A section that only one state has is described by what uses it. */
function part(
  { api, options }: { readonly api: string; readonly options: Map<string, Difference> },
  was: PartState | undefined,
  is: PartState | undefined,
): Difference[] {
  if (was === undefined || is === undefined) return [];
  const about = { api, subject: `${is.kind} ${is.name}`, old: was.place, new: is.place };
  const found: Difference[] = [];
  if (was.factory !== is.factory)
    found.push(difference(about, 'factory-changed', `${was.factory ?? 'none'} -> ${is.factory ?? 'none'}`));
  for (const name of new Set([...Object.keys(was.options), ...Object.keys(is.options)])) {
    const [old, now] = [was.options[name], is.options[name]];
    if (sameValue(old, now)) continue;
    const values = { old: old?.value ?? null, new: now?.value ?? null };
    const rule = optionRule({ group: `${is.kind} ${is.factory ?? ''}`, opt: name, ...values });
    const [fromOld, fromNow] = [(old ?? now)!.from, (now ?? old)!.from];
    const from = (fromOld === fromNow ? fromNow : null) ?? '';
    const ofConfiguration = options.get(from);
    if (ofConfiguration !== undefined) {
      options.set(from, atWorst(ofConfiguration, rule));
      continue;
    }
    const places = { old: old?.place ?? was.place, new: now?.place ?? is.place };
    const text = `${name} ${valuesText(old, now)}`;
    found.push(difference({ ...about, ...places }, rule, text, { effect: 'applied by a reload' }));
  }
  return found;
}
