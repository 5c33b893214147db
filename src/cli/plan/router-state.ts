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
  templateKey,
} from '../../plan/index.js';
import {
  type ApiVersion,
  type DescribedRoute,
  type DocumentedRouter,
  describeRoutes,
  documentedRouters,
  FAULT_SCHEMA_NAMES,
  findOverlaps,
  openApiOf,
  type PlacedRouter,
  pathText,
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
    const document = openApiOf([documented!], { title: api, apiVersion: version, faults });
    const operations = new Operations(plainData(document) as unknown as Document, version);
    documents.push({ from: version?.text ?? null, document: operations });
    // The process may serve requests.
    await setImmediate();
  }
  const { versions } = router.documented;
  const routes: RouteState[] = [];
  for (const route of describeRoutes(router)) {
    for (const method of route.methods ?? ['*']) {
      const inDocument = withoutDomain(documented!, route);
      const found = documents.map(({ from, document }) => ({ from, operation: document.of(method, inDocument) }));
      routes.push({
        method,
        path: urlOf(prefix, route),
        action: actionText(route),
        place: route.origin === undefined ? null : placeText(route.origin),
        requirements: requirementsOf(route),
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
      overlaps: findOverlaps(router.compile().planned).map(({ earlier, later }) => [named(earlier), named(later)]),
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

/** Returns the path in the document of its Router alone, whose server has the prefix, unless that begins with a domain. */
function withoutDomain({ prefix }: DocumentedRouter, { path }: DescribedRoute): string {
  const domain = prefix.startsWith('/') ? prefix : prefix.split('/', 1)[0]!;
  return prefix.slice(domain.length) + (path || '/');
}

function actionText({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? (action ?? 'an app') : `${controller}.${action ?? ''}`;
}

function requirementsOf({ path, requirements, types }: DescribedRoute): readonly (string | null)[] {
  return [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => types[name!] ?? requirements[name!] ?? null);
}

type Json = Readonly<Record<string, unknown>>;

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Json>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}

/** The operations of a document, with what they refer to in place of the references. */
class Operations {
  readonly #document: Document;
  readonly #version: string | undefined;
  readonly #byTemplate: ReadonlyMap<string, Readonly<Record<string, Json>>>;

  /** `version`: that of the document, which each operation requires in a header. */
  constructor(document: Document, version: ApiVersion | null) {
    this.#version = version === null ? undefined : ` ${version.text}`;
    this.#document = document;
    this.#byTemplate = new Map(Object.entries(document.paths).map(([path, item]) => [templateKey(path), item]));
  }

  /** Names of the schemas of faults. */
  get faults(): readonly string[] {
    return FAULT_SCHEMA_NAMES.filter((name) => name in (this.#document.components.schemas ?? {}));
  }

  /** `*` is described as GET. */
  of(method: string, path: string): Operation | null {
    const found = this.#byTemplate.get(templateKey(path))?.[method === '*' ? 'get' : method.toLowerCase()];
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

type Compiled = ReturnType<typeof findOverlaps>[number]['earlier'];

function named({ route }: Compiled): string {
  const method = route.conditions?.method;
  return `${method === undefined ? 'any' : [method].flat().join(',')} ${templateKey(pathText(route.parts))}`;
}
