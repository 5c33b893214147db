/** A Router of a state: its routes, each with the operations of its versions, from the documents that `openapi` prints. */
import { setImmediate } from 'node:timers/promises';
import type { OpenApiAdditions } from '../../app/index.js';
import { configuredFaultForm } from '../../app/internal.js';
import type { Config } from '../../config/index.js';
import {
  type Operation,
  type OperationState,
  type Parameter,
  type RouterState,
  type RouteState,
  requiredPath,
  templateKey,
} from '../../plan/index.js';
import {
  type ApiVersion,
  type DescribedRoute,
  describeRoutes,
  documentedRouters,
  FAULT_SCHEMA_NAMES,
  findOverlaps,
  openApiOf,
  type PlacedRouter,
  versionStarts,
} from '../../routing/internal.js';
import { placeText } from '../command.js';
import { plainData } from './plain-data.js';

interface RouterPlace {
  /** Additions of the filters around its app. */
  readonly additions: readonly OpenApiAdditions[];
  readonly app: string;
  readonly api: string;
  readonly config: Config;
}

/** Returns a Router, and its routes in the order in which they are tried. */
export async function routerState(
  placed: PlacedRouter,
  { additions, app, api, config }: RouterPlace,
): Promise<{ readonly router: RouterState; readonly routes: readonly RouteState[] }> {
  const { router, prefix } = placed;
  const [documented] = documentedRouters([placed], additions);
  const faults = await configuredFaultForm(config, api);
  const starts: readonly (ApiVersion | null)[] =
    router.documented.versions === undefined ? [null] : versionStarts(router);
  const documents: VersionDocument[] = [];
  for (const version of starts) {
    const operations: Record<string, Json> = {};
    const { components } = openApiOf([documented!], {
      title: api,
      apiVersion: version,
      faults,
      onOperation: ({ compiled, method, operation }) => {
        operations[operationKey(compiled.rank, method)] = operation;
      },
    });
    const document = new Operations(plainData({ operations, components } as Described), version);
    documents.push({ from: version?.text ?? null, document });
    // The process may serve requests.
    await setImmediate();
  }
  const { versions } = router.documented;
  const routes: RouteState[] = [];
  const { ranked } = router.compile();
  const described = describeRoutes(router);
  const reached = new Set<string>();
  for (const [rank, route] of described.entries()) {
    const requirements = requirementsOf(route);
    for (const method of route.methods ?? ['*']) {
      const key = JSON.stringify([method, templateKey(route.path), requirements]);
      // Requests reach the first of two routes that match the same ones.
      if (reached.has(key)) continue;
      if (!ranked[rank]!.conditional) reached.add(key);
      const found = documents.map(({ from, document }) => ({ from, operation: document.of(rank, method) }));
      routes.push({
        method,
        path: urlOf(prefix, route),
        action: actionText(route),
        place: route.origin === undefined ? null : placeText(route.origin),
        requirements,
        shadowedBy: route.shadowedBy.map(({ template }) => template),
        filters: route.filters,
        bodyLimit: route.bodyLimit,
        deadline: route.deadline,
        operations: merged(found),
      });
      await setImmediate();
    }
  }
  return {
    router: {
      app,
      prefix,
      versions: versions === undefined ? null : { min: String(versions.min), max: String(versions.max) },
      faults: [...new Set(documents.flatMap(({ document }) => document.faults))],
      overlaps: findOverlaps(ranked).map(({ earlier, later }) => [
        named(described[earlier.rank]!),
        named(described[later.rank]!),
      ]),
    },
    routes,
  };
}

/** The document of the versions from one on. */
interface VersionDocument {
  readonly from: string | null;
  readonly document: Operations;
}

/** Returns each operation once, with the first version that has it; none if the route is not described at all. */
function merged(states: readonly OperationState[]): readonly OperationState[] {
  const differing = states.filter(
    ({ operation }, at) => at === 0 || JSON.stringify(operation) !== JSON.stringify(states[at - 1]!.operation),
  );
  return differing.every(({ operation }) => operation === null) ? [] : differing;
}

/** Returns the URL for a client; if a template begins with a variable, a slash precedes it there. */
function urlOf(prefix: string, { path }: DescribedRoute): string {
  return path.startsWith('/') || (path === '' && prefix !== '') ? `${prefix}${path}` : `${prefix}/${path}`;
}

function actionText({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? (action ?? 'an app') : `${controller}.${action ?? ''}`;
}

function requirementsOf({ path, requirements, types }: DescribedRoute): readonly (string | null)[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => types[name!] ?? requirements[name!] ?? null);
}

function named(route: DescribedRoute): string {
  return `${route.methods?.join(',') ?? 'any'} ${requiredPath(route.path, requirementsOf(route))}`;
}

type Json = Readonly<Record<string, unknown>>;

/** The operations of routes, by {@link operationKey}, and what they refer to. */
interface Described {
  readonly operations: Readonly<Record<string, Json>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

/** `*` is described as GET. */
function operationKey(rank: number, method: string): string {
  return `${rank} ${method === '*' ? 'GET' : method}`;
}

/** The operations of a document, with what they refer to in place of the references. */
class Operations {
  readonly #document: Described;
  readonly #version: string | undefined;

  /** `version`: that of the document, which each operation requires in a header. */
  constructor(document: Described, version: ApiVersion | null) {
    this.#version = version === null ? undefined : ` ${version.text}`;
    this.#document = document;
  }

  /** Names of the schemas of faults. */
  get faults(): readonly string[] {
    return FAULT_SCHEMA_NAMES.filter((name) => name in (this.#document.components.schemas ?? {}));
  }

  of(rank: number, method: string): Operation | null {
    const found = this.#document.operations[operationKey(rank, method)];
    if (found === undefined) return null;
    const { responses, parameters, 'x-versions': _versions, ...operation } = found;
    const others = ((parameters ?? []) as readonly Parameter[]).filter((each) => !this.#isVersion(each));
    const all = Object.entries((responses ?? {}) as Readonly<Record<string, Json>>);
    const told = all
      .filter(([code]) => code !== 'default')
      .map(([code, one]) => [code, this.#withoutFault(one)] as const);
    return this.#whole({ ...operation, parameters: others, responses: Object.fromEntries(told) }, []) as Operation;
  }

  #isVersion({ in: place, schema }: Parameter): boolean {
    const only = typeof schema === 'object' ? schema.const : undefined;
    return (
      place === 'header' && this.#version !== undefined && typeof only === 'string' && only.endsWith(this.#version)
    );
  }

  /** The bodies of faults are compared once for a Router. */
  #withoutFault({ content, ...response }: Json): Json {
    const isFault = Object.values((content ?? {}) as Readonly<Record<string, { readonly schema?: Json }>>).some(
      ({ schema }) => FAULT_SCHEMA_NAMES.some((name) => schema?.$ref === `#/components/schemas/${name}`),
    );
    return isFault || content === undefined ? response : { ...response, content };
  }

  /** Puts components in place of references; one within itself stays a reference. */
  #whole(value: unknown, within: readonly string[]): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#whole(each, within));
    if (typeof value !== 'object' || value === null) return value;
    const { $ref: to, ...rest } = value as Json;
    const [, kind, name] = /^#\/components\/([^/]+)\/(.+)$/.exec(typeof to === 'string' ? to : '') ?? [];
    const component = kind === undefined ? undefined : this.#document.components[kind]?.[name!];
    if (component === undefined || within.includes(String(to)))
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, this.#whole(each, within)]));
    return this.#whole({ ...component, ...rest }, [...within, String(to)]);
  }
}
