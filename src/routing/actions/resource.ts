/**
 * A controller and its actions: nova's `wsgi.Resource`.
 */

import { didYouMean, nearestOrAll } from '../../errors/index.js';
import { RouteError } from '../mapper/route-error.js';
import { type Action, actionOf, isAction, type RangedOptions } from './action.js';
import { type ActionSource, type CompiledAction, compileAction, refuseOverlap } from './compiled-action.js';
import type { JsonSchema } from './json-schema.js';
import type { SchemaCompiler } from './schema-compiler.js';
import { documentedSchema, type Schema } from './standard-schema.js';

/** Options of a {@link Resource}. */
export interface ResourceSettings {
  /** Methods by the key of the body that selects them: `{ reboot: 'rebootServer' }`. */
  readonly actions?: Readonly<Record<string, string>> | undefined;
  /** `required`: a body is only passed to actions that declare one. Default: the router's. */
  readonly schemas?: 'required' | 'optional' | undefined;
  /** For names in messages. Default: the class's name. */
  readonly name?: string | undefined;
}

/** What an action can be: a method, an action with options, or several of those for ranges of versions; or nothing. */
type Written = unknown;

/** A controller lacks an action that a route names. */
export class NoAction extends RouteError {
  readonly controller: string;
  readonly action: string;
  /** The actions it has. */
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

/** Actions that a key of a body may stand for when the controller has no method of that name. */
const BY_KEY: ReadonlySet<string> = new Set(['create', 'delete', 'show', 'update']);

/** A controller with its actions. Several controllers may add actions that a key of the body selects. */
export class Resource {
  readonly name: string;
  readonly schemas: 'required' | 'optional' | undefined;
  readonly #controller: object;
  /** By body key: who has it, and what it is. */
  readonly #byKey = new Map<
    string,
    { readonly controller: object; readonly written: Written; readonly place: string }
  >();

  constructor(controller: object, settings: ResourceSettings = {}) {
    this.#controller = controller;
    this.name = settings.name ?? controllerName(controller);
    this.schemas = settings.schemas;
    this.#collect(controller, settings.actions);
  }

  /** Adds the body-key actions of another controller. Two with one key are a mistake. */
  extend(other: object, settings: Pick<ResourceSettings, 'actions'> = {}): this {
    this.#collect(other, settings.actions);
    return this;
  }

  /** The names of all actions that a route can name. */
  actionNames(): string[] {
    return methodNames(this.#controller).filter((name) => this.#written(name) !== undefined);
  }

  /** The keys of a body that select an action. */
  bodyKeys(): string[] {
    return [...this.#byKey.keys()];
  }

  /** The options of an action's methods, as they are written; empty when there is no such action. */
  optionsOf(action: string): RangedOptions[] {
    if (this.selectsByKey(action)) {
      return [{ body: { oneOf: this.bodyKeys().map((key) => keySchema(key, this.#byKey.get(key)!.written)) } }];
    }
    const written = this.#written(action) ?? this.#byKey.get(action)?.written;
    const methods = Array.isArray(written) ? (written as unknown[]) : [written];
    return methods.flatMap((method) => actionOf(method)?.options ?? []);
  }

  /** Whether the key of the body selects what runs for this action name. */
  selectsByKey(action: string): boolean {
    return action === 'action' && this.#written('action') === undefined && this.#byKey.size > 0;
  }

  /** The methods of an action, compiled, with options of the route for what it does not say itself; throws a {@link RouteError} when the controller has no such action. */
  compile(action: string, compiler: SchemaCompiler, fallback?: RangedOptions): readonly CompiledAction[] {
    const written = this.#written(action);
    if (written !== undefined) {
      return compileWritten(this.#controller, written, `${this.name}.${action}`, compiler, fallback);
    }
    if (BY_KEY.has(action) && this.#byKey.has(action)) return this.compileKey(action, compiler);
    const names = this.actionNames();
    throw new NoAction(this.name, action, names);
  }

  /** The methods that a key of the body selects, compiled. */
  compileKey(key: string, compiler: SchemaCompiler): readonly CompiledAction[] {
    const { controller, written, place } = this.#byKey.get(key)!;
    return compileWritten(controller, written, place, compiler);
  }

  /** Own and inherited methods; never those of `Object.prototype`, nor names with an underscore in front. */
  #written(name: string): Written {
    if (name.startsWith('_') || name in Object.prototype) return undefined;
    const value: unknown = (this.#controller as Record<string, unknown>)[name];
    if (Array.isArray(value) && value.length > 0 && value.every(isAction)) return value;
    return typeof value === 'function' ? value : undefined;
  }

  #collect(controller: object, actions: Readonly<Record<string, string>> | undefined): void {
    const owner = controllerName(controller);
    for (const name of methodNames(controller)) {
      const value: unknown = (controller as Record<string, unknown>)[name];
      const written = isAction(value) ? [value] : Array.isArray(value) ? value.filter(isAction) : [];
      const key = written.map((one) => actionOf(one)!.options.bodyKey).find((one) => one !== undefined);
      if (key !== undefined) this.#add(key, { controller, written, place: `${owner}.${name}` });
    }
    const own = (controller as { actions?: unknown }).actions;
    const listed = typeof own === 'object' && own !== null ? (own as Record<string, string>) : {};
    for (const [key, name] of Object.entries({ ...listed, ...actions })) {
      const written: unknown = (controller as Record<string, unknown>)[name];
      if (actionOf(written) === null && !Array.isArray(written)) {
        throw new RouteError('PORTICO_ROUTE_NO_ACTION', {
          message: `the controller ${owner} has no method "${name}" for the body key "${key}"`,
          hint: didYouMean(name, methodNames(controller)),
        });
      }
      this.#add(key, { controller, written, place: `${owner}.${name}` });
    }
  }

  #add(key: string, added: { readonly controller: object; readonly written: Written; readonly place: string }): void {
    const present = this.#byKey.get(key);
    if (present !== undefined) {
      throw new RouteError('PORTICO_ROUTE_BODY_KEY', {
        message: `the body key "${key}" has two actions: ${present.place} and ${added.place}`,
        hint: 'One of them must go, or get another key.',
      });
    }
    this.#byKey.set(key, added);
  }
}

/** What a body with this key looks like. */
function keySchema(key: string, written: Written): JsonSchema {
  const body = [written].flat().map((method) => actionOf(method)?.options.body)[0];
  if (body !== undefined && !Array.isArray(body)) return documentedSchema(body as Schema, 'input');
  return { type: 'object', required: [key], properties: { [key]: {} }, additionalProperties: false };
}

function compileWritten(
  controller: object,
  written: Written,
  place: string,
  compiler: SchemaCompiler,
  fallback: RangedOptions = {},
): readonly CompiledAction[] {
  const methods = Array.isArray(written) ? (written as Action[]) : [written];
  const compiled = methods.map((method) => {
    const { handler, options } = actionOf(method)!;
    const source: ActionSource = { controller, handler, options: { ...fallback, ...options } };
    try {
      return compileAction(source, compiler);
    } catch (error) {
      if (error instanceof RouteError) {
        throw new RouteError(error.code, { message: `${place}: ${error.message}`, hint: error.hint, cause: error });
      }
      throw new RouteError('PORTICO_ROUTE_ACTION', { message: `${place}: ${(error as Error).message}`, cause: error });
    }
  });
  refuseOverlap(
    compiled.map(({ range }) => range),
    place,
  );
  return compiled;
}

/** Names of own and inherited members, without `Object.prototype`'s. */
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

function controllerName(controller: object): string {
  return className(controller) ?? 'controller';
}

/** The name of an object's class; undefined for an object of none. */
export function className(object: object): string | undefined {
  const made: unknown = object.constructor;
  return typeof made === 'function' && made !== Object && made.name !== '' ? made.name : undefined;
}
