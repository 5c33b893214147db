/** `byOption`: one of several pipelines, chosen by an option of the service configuration, as nova chooses by `auth_strategy`. */
import type { App, CompositeFactory, Conf, FactoryContext, Filter, SectionLoader } from '../../app/index.js';
import { authOptions } from '../../app/internal.js';
import { didYouMean } from '../../errors/index.js';
import { wordsOf } from '../../ini/index.js';
import type { AwaitableFilter } from '../load-context.js';
import { partsOf } from '../part-refusals.js';
import { PasteError } from '../paste-error.js';
import type { TellsChildren } from './children.js';

/**
 * Composite factory. Its options are alternatives, each a list as in a pipeline; `[api] auth_strategy` of the service configuration
 * (default `keystone`) names the one to build.
 *
 * Filters are created from the left, then the app, then the filters are applied from the right. Members get `[DEFAULT]` and run-time
 * values, not this section's `set`.
 */
export const byOption: CompositeFactory = Object.assign(
  async (loader: SectionLoader, _globalConf: Conf, localConf: Conf, ctx: FactoryContext): Promise<App> => {
    return pipelineNamed(chosen(ctx), loader, localConf, ctx);
  },
  {
    children: (_globalConf: Conf, localConf: Conf, ctx: FactoryContext) => childrenNamed(chosen(ctx), localConf),
    references: (_globalConf: Conf, localConf: Conf) =>
      [...localConf.keys()].flatMap((name) => childrenNamed(name, localConf)),
    problems: (localConf: Conf, ctx: FactoryContext) => {
      const name = chosen(ctx);
      return localConf.has(name) ? [] : [noAlternative(name, localConf, ctx)];
    },
  },
);

/** Loader for a composite that makes a pipeline. */
interface PipelineLoader extends SectionLoader {
  /** Returns filters to put between those that it has requested, as in `[pipeline:…]`; undefined: none. */
  betweenFilters?(): readonly Filter[] | undefined;
}

/** Creates the pipeline that option `name` lists. */
export async function pipelineNamed(
  name: string,
  loader: SectionLoader,
  localConf: Conf,
  ctx: FactoryContext,
): Promise<App> {
  const list = localConf.get(name);
  if (list === undefined) throw noAlternative(name, localConf, ctx);
  const words = wordsOf(list).map(({ text }) => text);
  const last = words.pop();
  if (last === undefined) {
    const origin = ctx.section.options.get(name)?.origin ?? ctx.section.origin;
    throw new PasteError('PORTICO_PASTE_EMPTY_PIPELINE', {
      message: `the pipeline "${name}" is empty.`,
      hint: 'List filters and, last, an app.',
      origin,
    });
  }
  const filters: AwaitableFilter[] = [];
  const refusals = partsOf(loader);
  for (const word of words) await refusals.gather(async () => filters.push(await loader.getFilter(word)));
  const inner = await refusals.gather(() => loader.getApp(last));
  refusals.refuse();
  let app = inner!;
  const between = (loader as PipelineLoader).betweenFilters?.();
  app = between?.at(-1)?.(app) ?? app;
  for (const [at, filter] of [...filters.entries()].reverse()) {
    app = await filter(app);
    app = between?.[at]?.(app) ?? app;
  }
  return app;
}

function childrenNamed(name: string, localConf: Conf): ReturnType<TellsChildren['children']> {
  const words = wordsOf(localConf.get(name) ?? '').map(({ text }) => text);
  return words.map((word, at) => ({
    get: at === words.length - 1 ? ('app' as const) : ('filter' as const),
    name: word,
    option: name,
    inherits: false,
  }));
}

function chosen(ctx: FactoryContext): string {
  return ctx.config.group('api', authOptions, { partial: true }).authStrategy;
}

function noAlternative(name: string, localConf: Conf, ctx: FactoryContext): PasteError {
  const names = [...localConf.keys()];
  const option = ctx.config.has('api', 'auth_strategy')
    ? ctx.config.getLocation('api', 'auth_strategy').origin
    : undefined;
  const placed = option !== undefined;
  const there = names.length === 0 ? 'It has none.' : `It has: ${names.join(', ')}.`;
  return new PasteError('PORTICO_PASTE_MISSING_KEY', {
    message: `${placed ? `[${ctx.section.kind}:${ctx.section.name}]` : 'this section'} has no pipeline "${name}", which [api] auth_strategy selects.`,
    hint: `${didYouMean(name, names) ?? there} Set [api] auth_strategy to one of them.`,
    origin: option ?? ctx.section.origin,
  });
}
