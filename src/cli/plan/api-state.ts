/** One API of a state: the sections of the paste file that it uses, and the routes of its apps as a client sees them. */
import type { Config } from '../../config/index.js';
import type { Origin } from '../../errors/index.js';
import type { ContextTree } from '../../loader/index.js';
import { additionsOfNode, piped } from '../../loader/internal.js';
import { silentLogger } from '../../log/internal.js';
import type { DescribedJob } from '../../managers/index.js';
import {
  type ApiState,
  type MountState,
  optionKey,
  type PartState,
  type PipelineState,
  type RouteState,
} from '../../plan/index.js';
import { WSGIService } from '../../server/index.js';
import { managerOf, type PlannedApi } from '../../server/internal.js';
import { formatAddress } from '../../service/internal.js';
import { JobList } from '../../tasks/internal.js';
import { placeText } from '../command.js';
import { effectiveOptions } from '../look/effective-options.js';
import { loaderOf, routedApps } from '../validate/api-routers.js';
import { jobState, placeOf, shownValue } from './plain-data.js';
import { routerState } from './router-state.js';

/**
 * Returns an API. `key`: of the digests of secrets; `running`: that API, if this process serves it. Otherwise its apps are created for their
 * routes, and released.
 */
export async function apiState(
  api: PlannedApi,
  config: Config,
  { key, running }: { readonly key: string; readonly running: Pick<WSGIService, 'periodicTasks' | 'made'> | undefined },
): Promise<ApiState> {
  const { name, addresses, usesTls, workers, pipeline } = api;
  const sections = new Sections(config, key);
  sections.visit(await loaderOf(api, config).tree(pipeline));
  const tasks = new JobList();
  const made = running?.made();
  const routers = [];
  const routes: RouteState[] = [];
  for (const { app, routers: placed, filters } of await routedApps(config, [api], { tasks, made })) {
    const additions = filters.flatMap((filter) => additionsOfNode(filter, config));
    for (const one of placed) {
      const { router, routes: own } = await routerState(one, { additions, app: app.name, api: name, config });
      routers.push(router);
      routes.push(...own);
    }
  }
  const jobs = running?.periodicTasks.flatMap(({ described }) => described) ?? [
    ...tasks.described,
    ...(await managersJobs(api, config)),
  ];
  return {
    name,
    place: placeOf(config.getSectionLocation(`api:${name}`)),
    addresses: addresses.map(formatAddress),
    tls: usesTls,
    workers,
    app: pipeline,
    pipelines: sections.pipelines,
    mounts: sections.mounts,
    parts: sections.parts,
    routers,
    routes,
    jobs: jobs.map(jobState),
  };
}

async function managersJobs({ name }: PlannedApi, config: Config): Promise<readonly DescribedJob[]> {
  if (managerOf(config, `api:${name}`) === undefined) return [];
  return new WSGIService(name, config, { log: silentLogger(), useSsl: false }).managersJobs();
}

/** The sections of a tree, each once. */
class Sections {
  readonly pipelines: PipelineState[] = [];
  readonly mounts: MountState[] = [];
  readonly parts: PartState[] = [];
  readonly #seen = new Set<string>();
  readonly #config: Config;
  readonly #key: string;

  constructor(config: Config, key: string) {
    this.#config = config;
    this.#key = key;
  }

  visit(node: ContextTree): void {
    const { kind, type, name, origin } = node;
    const key = `${kind} ${type} ${name} ${origin?.file}:${origin?.line}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    const { filters, inner } = piped(node);
    if (inner !== undefined) {
      this.pipelines.push({ name, place: placed(node), filters: filters.map((each) => each.name), app: inner.name });
      for (const part of [...filters, inner]) this.visit(part);
      return;
    }
    const { children = [] } = node;
    const isComposite = type === 'composite';
    this.parts.push({
      kind: isComposite ? 'composite' : kind === 'filter' ? 'filter' : 'app',
      name,
      factory: node.factory ?? null,
      place: placed(node),
      options: isComposite && children.length > 0 ? {} : this.#options(node),
    });
    for (const { context, option = '' } of children) {
      const place = placed(node.options.get(option)) ?? placed(node);
      this.mounts.push({ composite: name, at: option.replaceAll(/\s+/g, ' '), app: context.name, place });
      this.visit(context);
    }
  }

  #options(node: ContextTree): PartState['options'] {
    const { group } = (node.resolved ?? {}) as { readonly group?: string };
    return Object.fromEntries(
      effectiveOptions(node, this.#config).map(({ name, shown, whole }) => {
        const own = node.options.get(name);
        const from = own === undefined && group !== undefined ? optionKey({ group, opt: name }) : null;
        return [name, { ...shownValue(shown, whole, this.#key), place: placed(own), from }];
      }),
    );
  }
}

function placed(one: { readonly origin?: Origin | undefined } | undefined): string | null {
  return one?.origin === undefined ? null : placeText(one.origin);
}
