/**
 * `api-cli explain`: shows how a request would be handled, without sending it. No filter is created and nothing runs; the app that it
 * reaches is created for its routes, and released.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Command } from 'commander';
import { environ } from '../../app/index.js';
import { descriptionOf } from '../../app/internal.js';
import type { ContextTree } from '../../loader/index.js';
import {
  describeNode,
  type ExplainApp,
  type ExplainedStep,
  type Explanation,
  explainRequest,
  UNDESCRIBED,
} from '../../loader/internal.js';
import { type BuiltRouter, type ExplainedRoute, enterMount, explainRoute, filterName } from '../../routing/internal.js';
import type { Refusal } from '../../server/internal.js';
import { countText } from '../../text/index.js';
import { example, placeText, print } from '../command.js';
import { addConfigurationOptions } from '../command-line.js';
import { methodText, pluginText, routersOf } from '../validate/api-routers.js';
import {
  addRequestArguments,
  admitted,
  type NamedRequest,
  namedApp,
  namedRequest,
  type RequestArguments,
} from './named-request.js';

export function register(program: Command): void {
  const command = addRequestArguments(program.command('explain'))
    .description('show how a request would be handled: mounts, filters, the route or why none matches, the action')
    .option('--json', 'print one JSON document')
    .addHelpText('after', example("api-cli explain GET /v2.1/servers -H 'X-Auth-Token: t'"));
  addConfigurationOptions(command).action(async (method: string, url: string, args: RequestArguments) => {
    const request = namedRequest(method, url, args.header);
    const document = await explain(request, args);
    print(args, document, () => [`${request.method} ${document.request.url}`, ...document.steps.map(line)].join('\n'));
  });
}

/** Document of `--json`. */
async function explain(request: NamedRequest, args: RequestArguments) {
  const { loader, config, app, paths } = await namedApp(request, args);
  let last: ExplainedRoute | undefined;
  let acts = false;
  const explainApp: ExplainApp = async (node, req) => {
    const said = describeNode(node, config, req);
    if (said !== undefined) return { steps: [stepOf(node, req, 'app', said.does)], answer: 'decided' };
    const routers = await routersOf(loader, node);
    const [router] = routers;
    if (router === undefined || routers.length > 1) {
      const text = node.type === 'composite' ? 'answers, or selects an app by its own rules' : 'answers';
      return { steps: [stepOf(node, req, 'app', text)], answer: undefined };
    }
    const within = explainRouter(router, node, req);
    // A cascade may continue after an action: the first route is named.
    if (!acts) last = within.route;
    acts ||= within.answer === 'decided';
    const text = `a Router of ${countText(router.routes.length, 'route')}`;
    return { steps: [stepOf(node, req, 'app', text), ...within.steps], answer: within.answer };
  };
  const describe = (filter: ContextTree, req: IncomingMessage) => describeNode(filter, config, req);
  const tree = await loader.tree(app);
  const taken = admitted(request, paths);
  const { steps, answer } =
    'status' in taken ? refused(request, taken) : await explainRequest(tree, taken, { describe, explainApp });
  return {
    schema: 'portico/explain',
    version: 1,
    request: 'status' in taken ? request : taken,
    steps,
    // Null: the app decides.
    status: typeof answer === 'number' ? answer : null,
    route: last?.route ?? null,
    match: last?.match ?? null,
    action: last?.action ?? null,
    // The plugin that answers: its route, or null for its not-found handler.
    plugin: last?.plugin ?? null,
    // For a 405: the methods of the path.
    allow: last?.answer?.allow ?? null,
    // For a 404: the route that was perhaps intended.
    nearest: last?.answer?.nearest ?? null,
  };
}

/** Returns the server's refusal of a path, before any filter. */
function refused({ url }: NamedRequest, { status, reason }: Refusal): Explanation {
  const text = `${status} ${STATUS_CODES[status]}: ${reason}`;
  const step: ExplainedStep = { what: 'response', name: 'the server', origin: undefined, text, scriptName: '', url };
  return { steps: [step], answer: status };
}

function line({ what, name, factory, origin, text, scriptName, url }: ExplainedStep): string {
  const made = factory === undefined ? '' : `  ${factory}`;
  const path = what === 'app' || what === 'composite' ? `  [script name "${scriptName}", path "${url}"]` : '';
  return `  ${what} ${name}: ${text}${path}${made}${origin === undefined ? '' : `  ${placeText(origin)}`}`;
}

/** Returns the steps within the router of an app, and within routers mounted in it. */
function explainRouter(
  router: BuiltRouter,
  node: ContextTree,
  req: IncomingMessage,
): Explanation & { readonly route: ExplainedRoute } {
  const explained = explainRoute(router, req);
  const { route, match, version, filters, action, mounted, plugin, answer } = explained;
  const steps: ExplainedStep[] = [];
  const add = (what: ExplainedStep['what'], name: string, text: string, more: Partial<ExplainedStep> = {}): void => {
    steps.push({ ...stepOf(node, req, what, text), name, factory: undefined, origin: undefined, ...more });
  };
  if (route !== null) {
    const values = Object.entries(match!).filter(([name]) => name !== 'controller' && name !== 'action');
    const taken = values.map(([name, value]) => `${name} = ${JSON.stringify(value)}`);
    const asked = version === null ? [] : [`version ${version}`];
    const text = ['is the first match', ...asked, ...taken].join(', ');
    add('route', `${methodText(route)} ${route.path}`, text, { origin: route.origin });
  }
  if (plugin?.route) {
    add('route', pluginText(plugin.route), 'is a route of a plugin, because no route of the table matches');
  }
  for (const filter of filters) {
    const { does, answers = 'never' } = descriptionOf(filter, req) ?? UNDESCRIBED;
    add('filter', filterName(filter), does, { answers });
    if (typeof answers === 'number') return { steps, answer: answers, route: explained };
  }
  if (answer !== null) {
    const { status, why, nearest, reason } = answer;
    const but = reason === undefined ? '' : `, but ${reason}`;
    const near = nearest === undefined ? '' : `; the nearest is ${methodText(nearest)} ${nearest.path}${but}`;
    add('response', node.name, `${status} ${STATUS_CODES[status]}: ${why}${near}`, { origin: nearest?.origin });
    return { steps, answer: status, route: explained };
  }
  if (plugin !== null) {
    const text = 'answers, because no route matches';
    if (plugin.route === null) add('app', 'the not-found handler of a plugin', text);
    else add('app', 'a plugin', 'answers');
    return { steps, answer: 'decided', route: explained };
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
  const isFunction = route!.controller === null;
  add('action', isFunction ? route!.action! : `${action!.controller}.${action!.name}`, 'answers');
  return { steps, answer: 'decided', route: explained };
}

/** Returns a step at a node of the paste file. */
function stepOf(
  { name, factory, origin }: ContextTree,
  req: IncomingMessage,
  what: ExplainedStep['what'],
  text: string,
): ExplainedStep {
  return { what, name, factory, origin, text, scriptName: environ(req).scriptName, url: req.url ?? '' };
}
