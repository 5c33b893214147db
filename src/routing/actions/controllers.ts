/**
 * Controllers of a router: names, objects and classes, each instantiated once.
 */
import { didYouMean, nearestOrAll } from '../../errors/index.js';
import type { RouteOptions } from '../route/route.js';
import { RouteError } from '../route/route-error.js';
import { pathText, readTemplate } from '../template/template.js';
import { type ActionOptions, actionOf, type Handler, isAction } from './action.js';
import { isSince, refuseOverlap } from './by-version.js';
import { type ActionSource, type CompiledAction, compileAction } from './compiled-action.js';
import { documentedSchema, type JsonSchema, type Schema } from './schema.js';
import type { SchemaCompiler } from './schema-compiler.js';
import { writtenTypes } from './taken-types.js';

/** A controller: an object with actions, a class of such objects (instantiated once), or a {@link Resource}. */
export type ControllerSource = object | (new () => object);

/** Controllers by name. Objects that are given to routes directly get a name. */
export class Controllers {
  readonly #sources = new Map<string, ControllerSource>();
  readonly #names = new Map<ControllerSource, string>();
  /** The last number that was added to a name which another controller has. */
  readonly #numbers = new Map<string, number>();
  readonly #resources = new Map<string, Resource>();
  readonly #handlers = new Map<Handler, Resource>();

  constructor(sources: Readonly<Record<string, ControllerSource>>) {
    for (const [name, source] of Object.entries(sources)) {
      this.#sources.set(name, source);
      this.#names.set(source, name);
    }
  }

  /** Returns the name of a controller given as an object, a class or a handler function. */
  nameOf(source: ControllerSource): string {
    const known = this.#names.get(source);
    if (known !== undefined) return known;
    const stem = stemOf(source);
    let number = this.#numbers.get(stem) ?? 1;
    let name = stem;
    while (this.#sources.has(name)) name = `${stem}_${++number}`;
    this.#numbers.set(stem, number);
    this.#sources.set(name, source);
    this.#names.set(source, name);
    return name;
  }

  /** Adds a function as a controller with one action. Without a name it is named after its route: `GET /books/{id}`. */
  nameOfHandler(handler: Handler, template: string | null, { conditions }: Pick<RouteOptions, 'conditions'>): string {
    const isNamed = !OF_MEMBER.has(handler.name);
    const route = `${[conditions?.method ?? 'any'].flat().join(',')} ${bareText(template ?? '')}`;
    const known = isNamed ? this.#handlers.get(handler) : undefined;
    const source = known ?? new Resource({ [HANDLER_ACTION]: handler }, { name: isNamed ? handler.name : route });
    if (isNamed) this.#handlers.set(handler, source);
    return this.nameOf(source);
  }

  /** Returns the resource of a name; throws a `RouteError` for an unknown name. */
  resource(name: string): Resource {
    const made = this.#resources.get(name);
    if (made !== undefined) return made;
    const source = this.#sources.get(name);
    if (source === undefined) {
      const names = [...this.#sources.keys()];
      throw new RouteError('PORTICO_ROUTE_NO_CONTROLLER', {
        message: `no controller is called "${name}"`,
        hint:
          didYouMean(name, names) ?? `There are: ${names.join(', ') || 'none'}; new Router({ controllers: { … } }).`,
      });
    }
    const resource = toResource(source, { name });
    this.#resources.set(name, resource);
    return resource;
  }

  /** Reports whether a name has a controller. */
  has(name: string): boolean {
    return this.#sources.has(name);
  }
}

/** Returns a template without types and expressions. */
function bareText(template: string): string {
  return pathText(readTemplate(template, {}, false).parts);
}

/** Names that a function gets only from the options member that contains it. */
const OF_MEMBER: ReadonlySet<string> = new Set(['', 'handler', 'action']);

/** Action of a route with a `handler`. */
export const HANDLER_ACTION = 'handle';

function toResource(source: ControllerSource, settings: ResourceSettings): Resource {
  if (source instanceof Resource) return source;
  return new Resource(typeof source === 'function' ? constructed(source as new () => object) : source, settings);
}

/** Instantiates a class without arguments; one that requires some would fail at the first request. */
function constructed(source: new () => object): object {
  const name = source.name || 'the controller';
  const refuse = (message: string, cause?: unknown): RouteError =>
    new RouteError('PORTICO_ROUTE_CONTROLLER', {
      message: `the controller ${name} ${message}`,
      // An undefined name has nothing to do with arguments.
      ...(!(cause instanceof ReferenceError) && {
        hint: `A class is constructed without arguments. Did you mean an object, new ${name}(…)?`,
      }),
      cause,
    });
  if (source.length > 0) throw refuse('is a class whose constructor takes arguments');
  try {
    return new source();
  } catch (error) {
    throw refuse(`cannot be constructed: ${(error as Error).message}`, error);
  }
}

function stemOf(source: ControllerSource): string {
  if (source instanceof Resource) return source.name;
  if (typeof source === 'function') return source.name || 'controller';
  return className(source) ?? 'controller';
}

/** Options of a {@link Resource}. */
export interface ResourceSettings {
  /** Methods by the key of the body that selects them: `{ reboot: 'rebootServer' }`. */
  readonly actions?: Readonly<Record<string, string>> | undefined;
  /** `required`: a body is only passed to actions that declare one. Default: the router's. */
  readonly schemas?: 'required' | 'optional' | undefined;
  /** Name in messages. Default: the class's name. */
  readonly name?: string | undefined;
}

/** A controller's member for an action: a method, an action with options, or several of these for ranges of versions. */
interface WrittenAction {
  readonly controller: object;
  readonly methods: readonly Pick<ActionSource, 'handler' | 'options'>[];
  /** `Servers.reboot`. */
  readonly place: string;
}

/** A controller lacks an action that a route names. */
export class NoAction extends RouteError {
  readonly controller: string;
  readonly action: string;
  /** Its actions. */
  readonly names: readonly string[];

  constructor(controller: string, action: string, names: readonly string[]) {
    super('PORTICO_ROUTE_NO_ACTION', {
      message: `the controller ${controller} has no action "${action}"`,
      hint: nearestOrAll(action, names, 'It has'),
    });
    this.controller = controller;
    this.action = action;
    this.names = names;
  }
}

/** Actions that a key of a body may select if the controller has no method of that name. */
const BY_KEY: ReadonlySet<string> = new Set(['create', 'delete', 'show', 'update']);

/** A controller with its actions. Several controllers may add actions selected by a key of the body. */
export class Resource {
  readonly name: string;
  readonly schemas: 'required' | 'optional' | undefined;
  readonly #controller: object;
  readonly #byKey = new Map<string, WrittenAction>();

  constructor(controller: object, settings: ResourceSettings = {}) {
    this.#controller = controller;
    this.name = settings.name ?? className(controller) ?? 'controller';
    this.schemas = settings.schemas;
    this.#collect(controller, settings.actions);
  }

  /** Adds the body-key actions of another controller. A duplicate key is an error. */
  extend(other: object, settings: Pick<ResourceSettings, 'actions'> = {}): this {
    this.#collect(other, settings.actions);
    return this;
  }

  /** Returns the names of all actions that a route can name. */
  actionNames(): string[] {
    return methodNames(this.#controller).filter((name) => this.#written(name) !== undefined);
  }

  /** Returns the keys of a body that select an action. */
  bodyKeys(): string[] {
    return [...this.#byKey.keys()];
  }

  /** Returns the options of an action's methods as written, and which are async generators; empty for an unknown action. */
  optionsOf(action: string): readonly (ActionOptions & { readonly sendsChunks?: boolean })[] {
    if (this.selectsByKey(action)) {
      const limits = [...this.#byKey.values()].flatMap(({ methods }) =>
        methods.flatMap(({ options }) => options.bodyLimit ?? []),
      );
      const body = { oneOf: [...this.#byKey].map(([key, written]) => keySchema(key, written)) };
      // The body is read before the action is selected.
      return [limits.length === 0 ? { body } : { body, bodyLimit: Math.max(...limits) }];
    }
    const methods = (this.#written(action) ?? this.#byKey.get(action))?.methods ?? [];
    return methods.map(({ options, handler }) => ({
      ...options,
      sendsChunks: handler.constructor.name === 'AsyncGeneratorFunction',
    }));
  }

  /** Reports whether a key of the body selects the method for this action. */
  selectsByKey(action: string): boolean {
    return action === 'action' && this.#written('action') === undefined && this.#byKey.size > 0;
  }

  /** Compiles the methods of an action, with options of the route as defaults; throws a `RouteError` for an unknown action. */
  compile(action: string, compiler: SchemaCompiler, fallback?: ActionOptions): readonly CompiledAction[] {
    const written = this.#written(action);
    if (written !== undefined) return compileWritten(written, compiler, fallback);
    if (BY_KEY.has(action) && this.#byKey.has(action)) return this.compileKey(action, compiler);
    throw new NoAction(this.name, action, this.actionNames());
  }

  /** Compiles the methods that a key of the body selects. */
  compileKey(key: string, compiler: SchemaCompiler): readonly CompiledAction[] {
    return compileWritten(this.#byKey.get(key)!, compiler);
  }

  /** Returns an own or inherited method; never one of `Object.prototype`, nor a name that begins with an underscore. */
  #written(name: string): WrittenAction | undefined {
    if (name.startsWith('_') || name in Object.prototype) return undefined;
    const value = (this.#controller as Record<string, unknown>)[name];
    if (Array.isArray(value) && !value.every(isAction)) return undefined;
    const methods = methodsIn(this.#controller, name);
    return methods.length === 0 ? undefined : { controller: this.#controller, methods, place: `${this.name}.${name}` };
  }

  #collect(controller: object, actions: Readonly<Record<string, string>> | undefined): void {
    const owner = className(controller) ?? 'controller';
    const names = methodNames(controller);
    for (const name of names) {
      const methods = methodsIn(controller, name, isAction);
      const key = methods.find(({ options }) => options.bodyKey !== undefined)?.options.bodyKey;
      if (key !== undefined) this.#add(key, { controller, methods, place: `${owner}.${name}` });
    }
    const own = (controller as { actions?: unknown }).actions;
    const listed = typeof own === 'object' && own !== null ? (own as Record<string, string>) : {};
    for (const [key, name] of Object.entries({ ...listed, ...actions })) {
      const methods = methodsIn(controller, name);
      if (methods.length === 0) {
        throw new RouteError('PORTICO_ROUTE_NO_ACTION', {
          message: `the controller ${owner} has no method "${name}" for the body key "${key}"`,
          hint: didYouMean(name, names),
        });
      }
      this.#add(key, { controller, methods, place: `${owner}.${name}` });
    }
  }

  #add(key: string, added: WrittenAction): void {
    const present = this.#byKey.get(key);
    if (present !== undefined) {
      throw new RouteError('PORTICO_ROUTE_BODY_KEY', {
        message: `the body key "${key}" has two actions: ${present.place} and ${added.place}`,
        hint: 'Remove one of them, or change its key.',
      });
    }
    this.#byKey.set(key, added);
  }
}

/** Returns the actions in a member of a controller: one method, or those of a list; empty if there are none. */
function methodsIn(
  controller: object,
  name: string,
  isMethod: (value: unknown) => boolean = () => true,
): WrittenAction['methods'] {
  const values = [(controller as Record<string, unknown>)[name]].flat();
  return values.filter(isMethod).flatMap((value) => actionOf(value) ?? []);
}

/** Returns the schema of a body with this key. */
function keySchema(key: string, { methods: [first] }: WrittenAction): JsonSchema {
  const [body] = first?.options.body === undefined ? [] : writtenTypes(first.options.body);
  if (body?.schemas !== undefined && !isSince(body.schemas)) return documentedSchema(body.schemas as Schema, 'input');
  return { type: 'object', required: [key], properties: { [key]: {} }, additionalProperties: false };
}

function compileWritten(
  { controller, methods, place }: WrittenAction,
  compiler: SchemaCompiler,
  fallback: ActionOptions = {},
): readonly CompiledAction[] {
  const compiled = methods.map(({ handler, options }) => {
    try {
      return compileAction({ place, controller, handler, options: { ...fallback, ...options } }, compiler);
    } catch (error) {
      const known = error instanceof RouteError ? error : undefined;
      const message = `${place}: ${(error as Error).message}`;
      throw new RouteError(known?.code ?? 'PORTICO_ROUTE_ACTION', { message, hint: known?.hint, cause: error });
    }
  });
  refuseOverlap(compiled, place);
  return compiled;
}

/** Returns the names of own and inherited members, without those of `Object.prototype`. */
function methodNames(controller: object): string[] {
  const names = new Set<string>();
  for (let level: object | null = controller; level !== null && level !== Object.prototype; ) {
    for (const name of Object.getOwnPropertyNames(level)) {
      const isGetter = Object.getOwnPropertyDescriptor(level, name)?.get !== undefined;
      if (name !== 'constructor' && !name.startsWith('_') && !isGetter) names.add(name);
    }
    level = Object.getPrototypeOf(level) as object | null;
  }
  return [...names];
}

/** Returns the name of an object's class; undefined if it has none. */
function className(object: object): string | undefined {
  const made: unknown = object.constructor;
  return typeof made === 'function' && made !== Object && made.name !== '' ? made.name : undefined;
}
