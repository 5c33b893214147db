/**
 * The action of a route, for documents and reports.
 */
import type { Controllers } from '../actions/controllers.js';
import type { Auth } from '../actions/guard.js';
import type { OperationSource } from '../built-router.js';
import type { KeptSettings } from '../mapper/route-settings.js';
import type { Match } from '../route/conditions.js';
import type { Route } from '../route/route.js';
import { guardsOf } from './guard-filter.js';

/**
 * Returns the action of a route with `settings`; null without a controller. `match` names the action if the path does, and `auth` is the
 * router's.
 */
export function operationSource(
  controllers: Controllers,
  { defaults }: Route,
  match: Match | undefined,
  settings: KeptSettings & Pick<OperationSource, 'filters' | 'docs'>,
  auth: Auth | undefined,
): OperationSource | null {
  const controller = match?.controller ?? defaults.get('controller');
  const action = match?.action ?? defaults.get('action');
  if (typeof controller !== 'string' || typeof action !== 'string' || !controllers.has(controller)) return null;
  const methods = controllers.resource(controller).optionsOf(action);
  const guards = guardsOf(methods.at(-1)?.auth ?? settings.auth ?? auth);
  const { filters, docs, action: ofRoute } = settings;
  return {
    controller,
    action,
    methods: methods.map((options) => ({ ...ofRoute, ...options })),
    filters: [...filters, ...guards],
    docs,
  };
}
