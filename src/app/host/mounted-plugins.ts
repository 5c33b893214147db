/** A warning about Fastify plugins that write paths without the mount, logged at the first request under a mount. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyPluginOptions } from 'fastify';
import { environ } from '../exchange.js';

/** Plugins by name: whether they write paths with these options, and the remedy for a mount. */
const WRITERS: Readonly<
  Record<string, { writes: (options: FastifyPluginOptions) => boolean; remedy: (mount: string) => string }>
> = {
  '@fastify/static': {
    writes: ({ redirect }) => redirect === true,
    remedy: () => 'Its redirects to directories leave the mount: set redirect: false.',
  },
  '@fastify/swagger-ui': {
    writes: ({ indexPrefix = '' }) => indexPrefix === '',
    remedy: (mount) => `Its page requests files outside the mount: set indexPrefix: '${mount}'.`,
  },
};

/**
 * Records which of these plugins a new instance registers. The result makes the ready instance with such plugins warn once, at its first
 * request under a mount.
 */
export function notePathWriters(instance: FastifyInstance): () => void {
  const names = new Set<string>();
  const register = instance.register as (...args: unknown[]) => FastifyInstance;
  const noting = function (this: FastifyInstance, ...args: unknown[]): FastifyInstance {
    const [plugin, options] = args as [{ [META]?: { name?: string } } | undefined, unknown];
    const name = plugin?.[META]?.name ?? '';
    const given = (typeof options === 'object' && options !== null ? options : {}) as FastifyPluginOptions;
    if (Object.hasOwn(WRITERS, name) && WRITERS[name]!.writes(given)) names.add(name);
    return Reflect.apply(register, this, args);
  };
  Object.assign(instance, { register: noting });
  return () => warnBelowMount(instance, names);
}

/** The key of the name that `fastify-plugin` gives a plugin. */
const META: unique symbol = Symbol.for('plugin-meta') as never;

function warnBelowMount(instance: FastifyInstance, names: ReadonlySet<string>): void {
  if (names.size === 0) return;
  const { routing } = instance;
  const warning = (req: IncomingMessage, res: ServerResponse): void => {
    const mount = environ(req).scriptName;
    if (mount !== '') {
      Object.assign(instance, { routing });
      for (const name of names) {
        const hint = WRITERS[name]!.remedy(mount);
        instance.log.warn(
          { plugin: name, mount, hint },
          `${name} is below the mount ${mount}, and writes paths without it`,
        );
      }
    }
    routing.call(instance, req, res);
  };
  Object.assign(instance, { routing: warning });
}
