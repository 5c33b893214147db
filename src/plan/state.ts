/**
 * The state of a project as data: everything that a build of its configuration would serve. A child process makes it, and its parent compares
 * two of them.
 */

/** A location in the files of a state: `file:line:column` relative to its directory, or another source of a value. Null: none is known. */
export type Place = string | null;

/** Everything that a configuration would serve. */
export interface State {
  readonly schema: 'portico/state';
  readonly version: 1;
  readonly apis: readonly ApiState[];
  readonly services: readonly ServiceState[];
  readonly options: readonly OptionState[];
  /** Changed files of the application that a reload does not load again; absent: it loads all. */
  readonly keptFiles?: readonly string[];
}

/** One enabled API. */
export interface ApiState {
  readonly name: string;
  readonly place: Place;
  /** Addresses as written for `listen`, with their ports. */
  readonly addresses: readonly string[];
  readonly tls: boolean;
  readonly workers: number;
  /** App, pipeline or composite that it serves. */
  readonly app: string;
  readonly pipelines: readonly PipelineState[];
  readonly mounts: readonly MountState[];
  /** Filters, apps and composites that it uses. */
  readonly parts: readonly PartState[];
  readonly routers: readonly RouterState[];
  readonly routes: readonly RouteState[];
  /** Periodic tasks and jobs of its apps and managers. */
  readonly jobs: readonly JobState[];
}

/** A pipeline with its filters, outermost first. */
export interface PipelineState {
  readonly name: string;
  readonly place: Place;
  readonly filters: readonly string[];
  readonly app: string;
}

/** A mount of a composite. */
export interface MountState {
  readonly composite: string;
  /** Path, with a domain before it if it has one; the name of the option in a composite without paths. */
  readonly at: string;
  readonly app: string;
  readonly place: Place;
}

/** A section of the paste file. */
export interface PartState {
  readonly kind: 'filter' | 'app' | 'composite';
  readonly name: string;
  readonly factory: string | null;
  readonly place: Place;
  /** Values in effect, secrets masked; as written if its factory declares none. */
  readonly options: Readonly<Record<string, PartOption>>;
}

/** A value in effect: of a section, or of an option. */
export interface ShownValue {
  /** Secrets are masked. */
  readonly value: string;
  /** Differs if the value does, also for secrets; null for values that are shown whole. */
  readonly digest: string | null;
}

export interface PartOption extends ShownValue {
  readonly place: Place;
  /** Option of the configuration whose value it has, `shelf.most`; null: the section has its own. Absent in the state of an older Portico. */
  readonly from?: string | null;
}

/** A Router of an app. */
export interface RouterState {
  /** App of the paste file that has it. */
  readonly app: string;
  /** Prefix of its routes in the URL of a client. */
  readonly prefix: string;
  /** API versions that it serves; null: it has none. */
  readonly versions: { readonly min: string; readonly max: string } | null;
  /** Names of the schemas of its faults. */
  readonly faults: readonly string[];
  /** Pairs of routes that match the same requests, the one that gets them first: `GET /rooms/{id:int}`. */
  readonly overlaps: readonly (readonly [first: string, later: string])[];
}

/** A route for one method. */
export interface RouteState {
  /** `*`: any method. */
  readonly method: string;
  /** As in the URL of a client: `/rooms/{id}`. */
  readonly path: string;
  /** The action, `rooms.show`; for a redirect or a mounted app what it is. */
  readonly action: string;
  readonly place: Place;
  /** Expressions and types of variables, by position in the path. */
  readonly requirements: readonly (string | null)[];
  /** Routes before it that leave it no request. */
  readonly shadowedBy: readonly string[];
  /** Names of the filters around the action, outermost first. */
  readonly filters: readonly string[];
  /** Bytes of a body; null: the route has no action. */
  readonly bodyLimit: number | null;
  /** Milliseconds after which it responds with 503; null: no deadline. Absent in the state of an older Portico. */
  readonly deadline?: number | null;
  /** Operations of OpenAPI, without references, in ascending order of versions; empty: the route has no description. */
  readonly operations: readonly OperationState[];
}

/** The operation of a route from a version on, up to that of the next one. */
export interface OperationState {
  /** Null: the router has no versions. */
  readonly from: string | null;
  /** Null: the route does not exist in these versions. */
  readonly operation: Operation | null;
}

export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

/** An operation of OpenAPI 3.1. */
export interface Operation {
  readonly operationId?: string;
  readonly deprecated?: boolean;
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content?: Readonly<Record<string, Media>> };
  readonly responses?: Readonly<Record<string, ResponseState>>;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema?: JsonSchema;
}

interface Media {
  readonly schema?: JsonSchema;
}

export interface ResponseState {
  readonly content?: Readonly<Record<string, Media>>;
  readonly headers?: Readonly<Record<string, { readonly schema?: JsonSchema }>>;
}

/** A service beside the APIs. */
export interface ServiceState {
  readonly name: string;
  readonly place: Place;
  readonly topic: string;
  readonly workers: number;
  readonly interfaces: readonly InterfaceState[];
  readonly jobs: readonly JobState[];
}

/** An interface for remote calls. */
export interface InterfaceState {
  readonly namespace: string | null;
  readonly version: string;
  /** Schemas of arguments by method; null: any. */
  readonly methods: Readonly<Record<string, JsonSchema | null>>;
}

/** A periodic task or a job. */
export interface JobState {
  readonly name: string;
  /** Times of its runs: `every 60 s`. */
  readonly schedule: string;
}

/** An option of the configuration. */
export interface OptionState extends ShownValue {
  readonly group: string;
  readonly opt: string;
  readonly place: Place;
  /** The value stays as long as its process: its environment or command line has it. */
  readonly lasting: boolean;
  /** A change takes effect when the service is stopped and started. */
  readonly restart: boolean;
}

/** Returns the name of an option in both states. */
export function optionKey({ group, opt }: Pick<OptionState, 'group' | 'opt'>): string {
  return `${group}.${opt}`;
}

/** Returns the name of a route in both states: names of variables do not matter to a client. */
export function routeKey({ method, path }: Pick<RouteState, 'method' | 'path'>): string {
  return `${method} ${templateKey(path)}`;
}

/** Returns a template without the names, types and requirements of its variables: `/rooms/{}` */
export function templateKey(template: string): string {
  return template.replaceAll(/\{(?:[^{}]|\{[^{}]*\})*\}/g, '{}');
}

/** Returns a path with the requirements of its variables: `/rooms/{id:int}` */
export function requiredPath(path: string, requirements: RouteState['requirements']): string {
  let at = 0;
  return path.replaceAll(/\{([^}]*)\}/g, (variable, name: string) => {
    const requirement = requirements[at++] ?? null;
    return requirement === null ? variable : `{${name}:${requirement}}`;
  });
}
