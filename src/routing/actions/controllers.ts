/**
 * The controllers of a router: names, objects and classes, each made once.
 */
import { didYouMean } from '../../errors/index.js';
import { RouteError } from '../mapper/route-error.js';
import type { Handler } from './action.js';
import { className, Resource, type ResourceSettings } from './resource.js';

/** A controller: an object with actions, a class of such objects (constructed once), or a {@link Resource}. */
export type ControllerSource = object | (new () => object);

/** Controllers by name. Objects that were given to routes directly get a name of their own. */
export class Controllers {
  readonly #sources = new Map<string, ControllerSource>();
  readonly #names = new Map<ControllerSource, string>();
  readonly #resources = new Map<string, Resource>();

  constructor(sources: Readonly<Record<string, ControllerSource>>) {
    for (const [name, source] of Object.entries(sources)) {
      this.#sources.set(name, source);
      this.#names.set(source, name);
    }
  }

  /** The name of a controller given as an object, a class or a function that answers. */
  nameOf(source: ControllerSource): string {
    const known = this.#names.get(source);
    if (known !== undefined) return known;
    const stem = stemOf(source);
    let name = stem;
    for (let number = 2; this.#sources.has(name); number++) name = `${stem}_${number}`;
    this.#sources.set(name, source);
    this.#names.set(source, name);
    return name;
  }

  /** A function as a controller with one action. */
  nameOfHandler(handler: Handler): string {
    const name = handler.name || 'handler';
    return this.nameOf(new Resource({ [HANDLER_ACTION]: handler }, { name }));
  }

  /** The resource of a name; throws a {@link RouteError} when no controller is called so. */
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

  /** Whether a name has a controller. */
  has(name: string): boolean {
    return this.#sources.has(name);
  }
}

/** The action of a route with a `handler`. */
export const HANDLER_ACTION = 'handle';

function toResource(source: ControllerSource, settings: ResourceSettings): Resource {
  if (source instanceof Resource) return source;
  return new Resource(typeof source === 'function' ? constructed(source as new () => object) : source, settings);
}

/** A class that asks for arguments gets none here: what it made without them would fail at the first request. */
function constructed(source: new () => object): object {
  const name = source.name || 'the controller';
  const refuse = (message: string, cause?: unknown): RouteError =>
    new RouteError('PORTICO_ROUTE_CONTROLLER', {
      message: `the controller ${name} ${message}`,
      // A name that is not defined has nothing to do with arguments.
      ...(!(cause instanceof ReferenceError) && {
        hint: `A class is constructed without arguments; is an object meant, new ${name}(…)?`,
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
