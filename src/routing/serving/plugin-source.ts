/**
 * Plugins as users write them in the options of a router, and as Fastify registers them.
 */
import type { FastifyInstance, FastifyPluginAsync, FastifyPluginCallback } from 'fastify';
import { PorticoError, whatItIs } from '../../errors/index.js';
import type { FastifyPlugin, RouterPlugin } from '../router-options.js';

/** Returns a plugin as Fastify's `register` accepts it, from a function, a module with one, or a promise of either. */
export async function pluginOf(
  written: RouterPlugin,
  place: number,
): Promise<readonly [plugin: FastifyPlugin, options: object]> {
  const [source, options] = (Array.isArray(written) ? written : [written, {}]) as readonly [unknown, object];
  const loaded: unknown = await source;
  const plugin = typeof loaded === 'function' ? loaded : (loaded as { default?: unknown } | null | undefined)?.default;
  if (typeof plugin === 'function') return [plugin as FastifyPlugin, options];
  throw new PorticoError('PORTICO_ROUTER_OPTION', {
    message: `plugins[${place}] is ${whatItIs(loaded)}, not a plugin of Fastify`,
    hint: 'Pass the plugin as its package exports it, or [plugin, options].',
  });
}

/**
 * Returns a plugin whose hooks and parsers apply to the whole instance, as with `fastify-plugin`; one with a route prefix stays
 * encapsulated, as in Fastify.
 */
export function forAllRoutes(plugin: FastifyPlugin, options: object): FastifyPluginCallback<object> {
  const skipOverride = Symbol.for('skip-override');
  if (skipOverride in plugin || 'prefix' in options) return plugin as FastifyPluginCallback<object>;
  const withDone: typeof plugin = (instance, options, done) => plugin(instance, options, done);
  const shared =
    plugin.length > 2
      ? withDone
      : async (instance: FastifyInstance, options: object) => {
          await (plugin as FastifyPluginAsync<object>)(instance, options);
        };
  return Object.assign(shared as FastifyPluginCallback<object>, { [skipOverride]: true });
}
