/**
 * Runs the actions of one router: in Fastify if it has plugins, else with Node's own request and response.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MatchedRoute } from '../../app/index.js';
import { levelOf } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import type { ActionCall, Answering } from './action-call.js';
import type { PluginRoutes } from './plugin-routes.js';
import type { ServedAction } from './served-route.js';

/** Largest body of an action without a limit of the action or its router, in bytes. */
export const DEFAULT_BODY_LIMIT = 114_688;

/** Both engines. Their behavior is the same, but for `request.fastify` and `request.reply`. */
export interface ActionEngine extends Answering {
  /** Runs the action of a matched request; `req` and `res`: as filters have passed them on. */
  take(call: ActionCall, req: IncomingMessage, res: ServerResponse): void;
  /** True if it asks the guards of actions itself, after the hooks of plugins. */
  readonly asksGuards: boolean;
  /** Largest body of an action without its own limit, in bytes. */
  readonly bodyLimit: number;
  /** Logs of routes with their own level. */
  readonly logs: ReadonlyMap<MatchedRoute, Logger>;
  /** Routes and upgrades of plugins beside the table; undefined without plugins. */
  readonly own: PluginRoutes | undefined;
  /** Called once before the first request; the result releases what it has acquired. */
  start(served: readonly ServedAction[]): Promise<() => Promise<void>>;
}

/** Returns a log with the level of a route. */
export function logAt(log: Logger, level: string): Logger {
  const own = log.child({});
  own.level = levelOf(level);
  return own;
}
