/**
 * `api-cli routes --match`: which route a client's request comes to, through the mounts of each API, past all filters.
 */
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { decodePath } from '../app/internal.js';
import type { Config } from '../config/index.js';
import type { ContextTree } from '../loader/index.js';
import { describeNode, type ExplainedStep, explainRequest } from '../loader/internal.js';
import { type DescribedRoute, type ExplainedMatch, explainMatch } from '../routing/index.js';
import { type BuiltRouter, enterMount, explainRoute, mountedRouter } from '../routing/internal.js';
import type { WSGIService } from '../server/index.js';
import { loaderOf, routersOf } from './api-routers.js';
import { columns, placeText } from './output.js';
import { admitted, type NamedRequest } from './request-arguments.js';

/** What is printed of one router, or of a request to one API. */
export interface RoutesResult {
  readonly api: string;
  readonly heading: string;
  readonly data: object;
  readonly lines: readonly string[];
}

/** What a request comes to in each of these APIs. */
export async function matchedRoutes(
  config: Config,
  apis: readonly WSGIService[],
  request: NamedRequest,
): Promise<readonly RoutesResult[]> {
  const results: RoutesResult[] = [];
  for (const api of apis) results.push({ api: api.name, heading: api.name, ...(await matchIn(config, api, request)) });
  return results;
}

interface Shown extends Pick<RoutesResult, 'lines'> {
  readonly data: ExplainedMatch;
}

async function matchIn(config: Config, api: WSGIService, request: NamedRequest): Promise<Shown> {
  const taken = admitted(request);
  if ('status' in taken)
    return { data: NONE, lines: [`${taken.status} ${STATUS_CODES[taken.status]}: ${taken.reason}`] };
  const loader = loaderOf(api, config);
  let shown: Shown | undefined;
  const { steps } = await explainRequest(await loader.tree(api.pipeline), taken, {
    describe: (filter, req) => passed(filter, config, req),
    explainApp: async (app, req) => {
      // A cascade asks for those behind as well.
      if (shown !== undefined && shown.data.route !== null) return { steps: [], answer: 'decided' };
      const [router, ...others] = await routersOf(loader, app);
      if (router === undefined || others.length > 0) {
        shown = { data: NONE, lines: [`${app.name} answers, which is no router`] };
        return { steps: [], answer: undefined };
      }
      const { answer } = explainRoute(router, req);
      shown = matchResult(router, req);
      return { steps: [], answer: shown.data.route === null ? (answer?.status ?? 404) : 'decided' };
    },
  });
  return shown ?? { data: NONE, lines: [whyNot(steps)] };
}

const NONE: ExplainedMatch = { route: null, match: null, passedOver: [] };

/** A filter that always hands on, with another path where it sees to that. */
function passed(filter: ContextTree, config: Config, req: IncomingMessage) {
  const rewrites = describeNode(filter, config, req)?.rewrites;
  return { does: 'hands on', ...(rewrites === undefined ? {} : { rewrites }) };
}

/** What the composite said that answers in the place of an app. */
function whyNot(steps: readonly ExplainedStep[]): string {
  return steps.findLast(({ what }) => what === 'composite')!.text;
}

function matchResult(router: BuiltRouter, req: IncomingMessage): Shown {
  const { method = '', url = '' } = req;
  const path = decodePath(url.split('?', 1)[0]!);
  const explained = explainMatch(router, method, path);
  const { route, match, passedOver } = explained;
  const before = passedOver.map(({ template, methods, reason, origin }) => [
    methods?.join(',') ?? 'any',
    template,
    reason,
    placeText(origin),
  ]);
  const tried = before.length > 0 ? ['tried before:', ...columns(before)] : [];
  if (route === null) return { data: explained, lines: [`no route takes ${method} ${path}`, ...tried] };
  const lines = [`${methodText(route)} ${route.path}  ${targetOf(route)}  ${placeText(route.origin)}`];
  lines.push(JSON.stringify(match), ...tried);
  const inner = mountedRouter(router, router.find(method, path)!.compiled.route);
  if (inner === undefined) return { data: explained, lines };
  enterMount(req, match!.path_info);
  const within = matchResult(inner, req);
  return { data: within.data, lines: [...lines, ...within.lines] };
}

/** The methods of a route. */
export function methodText({ methods }: Pick<DescribedRoute, 'methods'>): string {
  return methods?.join(',') ?? 'any';
}

/** What a route leads to. */
export function targetOf({ controller, action, redirect }: DescribedRoute): string {
  if (redirect !== null) return `redirect to ${redirect}`;
  return controller === null ? 'an app' : `${controller}.${action ?? ''}`;
}
