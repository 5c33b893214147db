/**
 * A controller's routes from the names of its actions.
 */

import type { Router } from '../router.js';
import type { ControllerSource } from './controllers.js';

/** What an action of that name is asked for by: method, and path below the controller's. */
const ASKED: Readonly<Record<string, string>> = {
  index: 'GET',
  create: 'POST',
  updateAll: 'PUT',
  deleteAll: 'DELETE',
  detail: 'GET /detail',
  show: 'GET /{id}',
  update: 'PUT /{id}',
  delete: 'DELETE /{id}',
  action: 'POST /{id}/action',
};

/**
 * Connects a controller at a path: `serveController(router, '/flavors', Flavors, 'index detail show create')`. An action
 * of another name says its path, and its method unless it is GET: `uptime=/{id}/uptime`, `enable=PUT:/enable`. Actions
 * are tried in the order written, so that `detail` stands before `show`. A route for GET is named by its whole path:
 * `request.url('/flavors/{id}', { id })`. Throws a `RangeError` for an action without a path.
 */
export function serveController(router: Router, path: string, controller: ControllerSource, actions: string): void {
  for (const word of actions.split(/\s+/).filter(Boolean)) {
    const [action = word, said] = word.split(/=(.*)/);
    const asked = said?.replace(/^(?:([A-Z]+):)?/, (_, method = 'GET') => `${method} `) ?? ASKED[action];
    if (asked === undefined) throw new RangeError(`serveController: say the path of ${action}: ${action}=/path`);
    const [method = 'GET', below = ''] = asked.split(' ');
    const name = method === 'GET' ? path + below : null;
    router.connect(name, path + below, { controller, action, conditions: { method: [method] } });
  }
}
