/** The apps that the factories of a load have made, so that what serves can be described without another call of a factory. */
import type { App, Conf } from '../app/index.js';
import type { Origin } from '../errors/index.js';
import { type Context, headerOf, valuesOf } from './load-context.js';
import type { ContextTree } from './tree.js';

/** The location of a section, by which it is found in another tree of the same file. */
interface Place {
  readonly name: string;
  readonly origin: Origin | undefined;
  readonly factory?: string | undefined;
}

/** The options that an app was made with: one section may be used with several. */
interface Options {
  readonly globalConf: Conf;
  readonly localConf: Conf;
}

/** Apps of one section, made with these options. */
interface Made extends Options {
  readonly apps: readonly App[];
}

/** Holds no context, and so no document of a file. */
export class MadeApps {
  readonly #byPlace = new Map<string, Made[]>();
  readonly #byContext = new WeakMap<Context, readonly App[]>();

  /** Notes the apps that the factory of a context has made; those of its children are added. */
  note(context: Context, own: readonly App[]): void {
    const apps = [...new Set([...own, ...context.children.flatMap(({ context: child }) => this.#within(child))])];
    this.#byContext.set(context, apps);
    const { globalConf, factory } = context;
    const { name, origin } = headerOf(context);
    const place = placeOf({ name, origin, factory: factory?.written });
    const made = { globalConf, localConf: valuesOf(context), apps };
    this.#byPlace.set(place, [...(this.#byPlace.get(place) ?? []), made]);
  }

  /** Returns the apps of a node; none if its factory was not called. */
  of(node: ContextTree): readonly App[] {
    const made = this.#byPlace.get(placeOf(node)) ?? [];
    const options = optionsOf(node);
    return (made.find((each) => optionsOf(each) === options) ?? made[0])?.apps ?? [];
  }

  #within(context: Context): readonly App[] {
    return this.#byContext.get(context) ?? (context.inner === undefined ? [] : this.#within(context.inner));
  }
}

function placeOf({ name, origin, factory }: Place): string {
  return [origin?.file, origin?.line, name, factory].join('\0');
}

function optionsOf({ globalConf, localConf }: Options): string {
  return JSON.stringify([...globalConf, ...localConf]);
}
