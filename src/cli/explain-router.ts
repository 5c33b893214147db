/**
 * What `api-cli explain` says of a request within a router: the route or why there is none, filters around it, the action.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { environ } from '../app/index.js';
import { descriptionOf } from '../app/internal.js';
import type { ContextTree } from '../loader/index.js';
import { type ExplainedStep, type Explanation, UNDESCRIBED } from '../loader/internal.js';
import { type BuiltRouter, type ExplainedRoute, enterMount, explainRoute, filterName } from '../routing/internal.js';
import { methodText } from './routes-match.js';

/** What happens within the router of an app, and in those that are mounted in it. */
export function explainRouter(
  router: BuiltRouter,
  node: ContextTree,
  req: IncomingMessage,
): Explanation & { readonly route: ExplainedRoute } {
  const explained = explainRoute(router, req);
  const { route, match, version, filters, action, mounted, answer } = explained;
  const steps: ExplainedStep[] = [];
  const add = (what: ExplainedStep['what'], name: string, text: string, more: Partial<ExplainedStep> = {}): void => {
    steps.push({ ...stepOf(node, req, what, text), name, factory: undefined, origin: undefined, ...more });
  };
  if (route !== null) {
    const values = Object.entries(match!).filter(([name]) => name !== 'controller' && name !== 'action');
    const taken = values.map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    const asked = version === null ? [] : [`version ${version}`];
    const text = ['is the first that takes it', ...asked, ...taken].join(', ');
    add('route', `${methodText(route)} ${route.path}`, text, { origin: route.origin });
  }
  if (answer !== null) {
    const { status, why, nearest } = answer;
    const near = nearest === undefined ? '' : `; the nearest is ${methodText(nearest)} ${nearest.path}`;
    add('answer', node.name, `${status} ${STATUS_CODES[status]}: ${why}${near}`, { origin: nearest?.origin });
    return { steps, answer: status, route: explained };
  }
  if (mounted !== null) {
    enterMount(req, match!.path_info);
    if (mounted.router !== undefined) {
      const within = explainRouter(mounted.router, node, req);
      return { ...within, steps: [...steps, ...within.steps] };
    }
    add('app', 'an app that is mounted', descriptionOf(mounted.app, req)?.does ?? 'answers');
    return { steps, answer: 'decided', route: explained };
  }
  for (const filter of filters) {
    const { does, answers = 'never' } = descriptionOf(filter, req) ?? UNDESCRIBED;
    add('filter', filterName(filter), does, { answers });
    if (typeof answers === 'number') return { steps, answer: answers, route: explained };
  }
  add('action', `${action!.controller}.${action!.name}`, 'answers');
  return { steps, answer: 'decided', route: explained };
}

/** A step at a node of the paste file. */
export function stepOf(
  { name, factory, origin }: ContextTree,
  req: IncomingMessage,
  what: ExplainedStep['what'],
  text: string,
): ExplainedStep {
  return { what, name, factory, origin, text, scriptName: environ(req).scriptName, url: req.url ?? '' };
}
