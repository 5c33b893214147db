/**
 * OpenAPI 3.1 from route tables: paths, tags, versions, and additions of filters; a single operation is in `openapi-operation.ts`.
 */
import type { OpenApiAdditions } from '../app/index.js';
import { additionsAround, additionsOf, type FaultForm, faultFormFrom, faultFormOf } from '../app/internal.js';
import type { Handler } from './actions/action.js';
import type { ApiVersion } from './api-version.js';
import { type BuiltRouter, type OpenApiOptions, type PlacedRouter, withMounted } from './built-router.js';
import type { CompiledRoute } from './matching/compiled-route.js';
import { documentedOperation, type Json } from './openapi-operation.js';
import { FAULT_SCHEMA_NAMES, FaultSchemas, OpenApiSchemas } from './openapi-schemas.js';
import type { Operation } from './operation.js';
import { absoluteUrl } from './urls/url-builder.js';

/** A router as part of a document. */
export interface DocumentedRouter {
  readonly router: BuiltRouter;
  /** Prefix of its routes' paths; without a slash at the start it begins with a domain. */
  readonly prefix: string;
  /** Additions of the filters around it, outermost first. */
  readonly additions: readonly OpenApiAdditions[];
}

/** Further properties of a document about several routers. */
export interface DocumentOptions extends OpenApiOptions {
  /** Address of the API, without a slash at the end; undefined: the address that serves the document. */
  readonly server?: string | undefined;
  /** The version to describe; null: all of them. */
  readonly apiVersion: ApiVersion | null;
  /** Form of faults, of the filters and of routers without one. */
  readonly faults: FaultForm;
  /** Called with each operation, also with those that the document leaves out. */
  readonly onOperation?: ((operation: RouteOperation) => void) | undefined;
}

/** The operation of a route for one method. */
export interface RouteOperation {
  readonly compiled: CompiledRoute;
  readonly method: string;
  /** May refer to components of the document. */
  readonly operation: Readonly<Record<string, unknown>>;
  /** The earlier route that has its method and the form of its path, so that the document leaves it out; null: it is in the document. */
  readonly hiddenBy: CompiledRoute | null;
}

/** Returns the document of a router. Omits formatted duplicates, mounts and routes for any controller. */
export function openApiDocument(router: BuiltRouter, options: OpenApiOptions): Record<string, unknown> {
  const faults = faultFormFrom({});
  return openApiOf([{ router, prefix: '', additions: [] }], { ...options, apiVersion: null, faults });
}

/**
 * Returns a handler that responds with the document of a router and those mounted in it, with what the filters around the running factory's
 * app add, and the address that the client used.
 */
export function documentHandler(router: BuiltRouter, options: OpenApiOptions, linkPrefix: string | undefined): Handler {
  const around = additionsAround();
  let document: Json | undefined;
  return ({ req }) => {
    document ??= openApiOf(documentedRouters(withMounted(router, ''), around()), {
      ...options,
      server: '',
      apiVersion: null,
      faults: faultFormOf(req),
    });
    const { prefix, scriptName } = absoluteUrl(req, linkPrefix);
    const [{ url }] = document.servers as readonly [{ readonly url: string }];
    return { ...document, servers: [{ url: prefix + scriptName + url }] };
  };
}

/** Returns routers with the additions of the filters around all of them, and of the guards of their mounts. */
export function documentedRouters(
  placed: readonly PlacedRouter[],
  around: readonly OpenApiAdditions[],
): readonly DocumentedRouter[] {
  return placed.map(({ router, prefix, guards }) => {
    const inner = guards.flatMap(additionsOf);
    return { router, prefix, additions: [...around, ...inner] };
  });
}

/** Returns one document of several routers. */
export function openApiOf(routers: readonly DocumentedRouter[], options: DocumentOptions): Json {
  const { title, description, server, apiVersion, onOperation } = options;
  const common = commonPrefix(routers.map(({ prefix }) => prefix));
  const paths = new Paths(onOperation);
  const additions: OpenApiAdditions[] = [];
  const faultSchemas = new FaultSchemas();
  const schemas = new OpenApiSchemas(FAULT_SCHEMA_NAMES);
  const guards = new Set<string>();
  for (const documented of routers) {
    const { router, prefix } = documented;
    const domain = prefix.startsWith('/') ? '' : prefix.split('/', 1)[0]!;
    const place = { before: domain === '' ? prefix.slice(common.length) : prefix.slice(domain.length), domain };
    const { versions } = router.documented;
    const version = versions === undefined ? null : apiVersion;
    const faults = faultFormFrom(router.documented, options.faults);
    faultSchemas.content(faults.style);
    additions.push(...documented.additions);
    for (const operation of router.operations) {
      // A request always begins with a slash: other paths cannot be requested.
      if (isFormatted(operation) || !operation.path.startsWith('/')) continue;
      const inside = operation.filters.flatMap(additionsOf);
      additions.push(...inside);
      const outer = { additions: documented.additions, faults: options.faults };
      const inner = { additions: inside, faults };
      const around = { version, versions, filters: [outer, inner], schemas, faultSchemas, guards };
      paths.add(place, operation, (names, method) => documentedOperation(operation, { ...around, names, method }));
    }
  }
  const [newest] = routers.flatMap(({ router }) => router.documented.versions?.max ?? []);
  const version = options.version ?? apiVersion?.text ?? newest ?? '1.0';
  return {
    openapi: '3.1.0',
    info: { title, version, ...(description === undefined ? {} : { description }) },
    ...(server === undefined && common === '' ? {} : { servers: [{ url: `${server ?? ''}${common}` }] }),
    paths: paths.sorted(server),
    components: components([...additions, schemesOf(guards)], faultSchemas, schemas),
  };
}

/** Location of a router's paths. */
interface PathPlace {
  readonly before: string;
  readonly domain: string;
}

interface PathEntry {
  readonly path: string;
  readonly domain: string;
  readonly names: readonly string[];
  readonly item: Json;
  /** Routes of its operations. */
  readonly routes: Map<string, CompiledRoute>;
}

/** Path items; two templates that differ only in names of variables are one path (OpenAPI 3.1 §4.8.8). */
class Paths {
  readonly #onOperation: DocumentOptions['onOperation'];
  readonly #byShape = new Map<string, PathEntry>();
  readonly #ids = new Map<string, number>();

  constructor(onOperation: DocumentOptions['onOperation']) {
    this.#onOperation = onOperation;
  }

  add(
    { before, domain }: PathPlace,
    { path, compiled, methods }: Operation,
    make: (names: readonly string[], method: string) => Json | undefined,
  ): void {
    const whole = before + path;
    const shape = whole.replace(/\{[^}]*\}/g, '{}');
    const names = [...path.matchAll(/\{([^}]*)\}/g)].map(([, name]) => name!);
    const entry: PathEntry = this.#byShape.get(shape) ?? { path: whole, domain, names, item: {}, routes: new Map() };
    for (const method of methods === null ? ['GET'] : DOCUMENTED.filter((name) => methods.includes(name))) {
      const name = method.toLowerCase();
      const hiddenBy = entry.routes.get(name) ?? null;
      if (hiddenBy !== null && this.#onOperation === undefined) continue;
      const made = make(hiddenBy === null ? entry.names : names, method);
      if (made === undefined) continue;
      if (hiddenBy !== null) {
        // Only operations of the document have an id in it.
        const { operationId: _, ...operation } = made;
        this.#onOperation?.({ compiled, method, operation, hiddenBy });
        continue;
      }
      const operation = { ...made, operationId: this.#ownId(String(made.operationId)) };
      entry.item[name] = operation;
      entry.routes.set(name, compiled);
      this.#byShape.set(shape, entry);
      this.#onOperation?.({ compiled, method, operation, hiddenBy });
    }
  }

  sorted(server: string | undefined): Json {
    const entries = [...this.#byShape.values()].map(({ path, domain, item }) => {
      const [scheme] = (server ?? 'http').split('://', 1);
      return [path, domain === '' ? item : { servers: [{ url: `${scheme}://${domain}` }], ...item }] as const;
    });
    return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Returns a unique id of an operation; an action with several routes gets a number. */
  #ownId(id: string): string {
    const count = (this.#ids.get(id) ?? 0) + 1;
    this.#ids.set(id, count);
    return count === 1 ? id : `${id}.${count}`;
  }
}

/** Returns schemes for guards that say none: a reader sees which operations need credentials, and where to say how they are sent. */
function schemesOf(guards: ReadonlySet<string>): OpenApiAdditions {
  const schemes = [...guards].map((guard) => {
    const description = `Checked by ${guard}, a function of the API; its property security says how credentials are sent.`;
    return [guard, { type: 'apiKey', in: 'header', name: 'Authorization', description }] as const;
  });
  return { securitySchemes: Object.fromEntries(schemes) };
}

function components(
  additions: readonly OpenApiAdditions[],
  faultSchemas: FaultSchemas,
  { components }: OpenApiSchemas,
): Json {
  const headers = Object.assign({}, ...additions.map((one) => ({ ...one.headers, ...one.contentHeaders }))) as Json;
  const securitySchemes = Object.assign({}, ...additions.map((one) => one.securitySchemes ?? {})) as Json;
  return {
    schemas: { ...faultSchemas.components(), ...components },
    ...(Object.keys(headers).length === 0 ? {} : { headers }),
    ...(Object.keys(securitySchemes).length === 0 ? {} : { securitySchemes }),
  };
}

/** Returns the common start of all paths, in whole segments; empty if one has its own domain. */
function commonPrefix(prefixes: readonly string[]): string {
  const [first = [], ...others] = prefixes.map((prefix): readonly string[] => prefix.split('/'));
  let length = first.length;
  for (const segments of others) {
    const differs = first.findIndex((segment, at) => segment !== segments[at]);
    length = Math.min(length, differs < 0 ? length : differs);
  }
  const common = first.slice(0, length).join('/');
  return common.startsWith('/') ? common : '';
}

const DOCUMENTED = ['GET', 'PUT', 'POST', 'DELETE', 'OPTIONS', 'HEAD', 'PATCH', 'TRACE'];

/** Reports whether a route is the formatted duplicate of a resource's route, which adds nothing to the document. */
function isFormatted({ compiled }: Operation): boolean {
  const [before, last] = compiled.route.parts.slice(-2);
  if (typeof last !== 'object' || last.name !== 'format' || last.type === '.') return false;
  return typeof before === 'string' && before.endsWith('.');
}
