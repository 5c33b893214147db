/**
 * What a router would do with a request, up to its action: told without running anything.
 */
import type { IncomingMessage } from 'node:http';
import { type App, Fault, type Filter } from '../app/index.js';
import { nearestNames } from '../errors/index.js';
import { type BuiltRouter, type Judgement, mountedRouter } from './built-router.js';
import { type DescribedRoute, describeRoute } from './describe-routes.js';
import type { CompiledRoute, Found } from './matching/compiled-route.js';
import { pathText } from './template/template.js';
import { readRange, type WrittenRange } from './versions/api-version.js';

/** What a router would do with a request. */
export interface ExplainedRoute {
  /** The first route that takes it; null when none does. */
  readonly route: DescribedRoute | null;
  /** Variables and defaults of the match. */
  readonly match: Readonly<Record<string, unknown>> | null;
  /** The version of the API that is asked for. */
  readonly version: string | null;
  /** Around the action, outermost first. */
  readonly filters: readonly Filter[];
  /** What runs; null where the router answers by itself, and for an app that is mounted. */
  readonly action: { readonly controller: string; readonly name: string } | null;
  /** The app that the route leads to, and its router where it is one. */
  readonly mounted: { readonly app: App; readonly router: BuiltRouter | undefined } | null;
  /** What the router answers by itself; null where an action or an app answers. */
  readonly answer: RouterAnswer | null;
}

/** An answer that no action gives. */
export interface RouterAnswer {
  readonly status: number;
  readonly why: string;
  /** The methods that the path takes. */
  readonly allow?: readonly string[];
  /** The route that was perhaps meant. */
  readonly nearest?: DescribedRoute;
}

/** What becomes of a request that reaches a router; the path is what is left for it. */
export function explainRoute(router: BuiltRouter, req: IncomingMessage): ExplainedRoute {
  let judged: Judgement;
  try {
    judged = router.judge(req);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { ...NOTHING, answer: { status: error.status, why: error.message } };
  }
  const { found, version } = judged;
  const seen = { ...NOTHING, version: version?.text ?? null };
  if (found === null) return { ...seen, answer: missed(router, req.method ?? '', judged) };
  const taken = { ...seen, route: describeRoute(router, found.compiled), match: { ...found.match } };
  const { route } = found.compiled;
  const redirect = router.redirectOf(route);
  if (redirect !== undefined) {
    const why = `redirects to ${redirect.target.template}`;
    return { ...taken, answer: { status: redirect.status, why } };
  }
  const app = router.mountedApp(route);
  if (app !== undefined) return { ...taken, mounted: { app, router: mountedRouter(router, route) } };
  return { ...taken, ...acting(router, found, judged) };
}

const NOTHING: ExplainedRoute = {
  route: null,
  match: null,
  version: null,
  filters: [],
  action: null,
  mounted: null,
  answer: null,
};

function acting(router: BuiltRouter, found: Found, { version }: Judgement): Partial<ExplainedRoute> {
  const source = router.operationSource(found.compiled.route, found.match);
  const { controller, action } = found.match;
  const name = `${String(controller)}.${String(action)}`;
  if (source === null || source.methods.length === 0) {
    return { answer: { status: 404, why: `there is no action ${name}` } };
  }
  const method = source.methods.find(({ versions }) => version?.within(readRange(versions)) ?? true);
  if (method !== undefined) {
    const filters = [...source.filters, ...(method.filters ?? [])];
    return { filters, action: { controller: source.controller, name: source.action } };
  }
  const ranges = source.methods.map(({ versions: [from, to] = [null] as WrittenRange }) => {
    return `${from ?? 'the first'} to ${to ?? 'the last'}`;
  });
  const why = `${name} is not there in version ${version!.text}, only from ${ranges.join(', ')}`;
  return { answer: { status: 404, why } };
}

function missed(router: BuiltRouter, method: string, { path, allowed }: Judgement): RouterAnswer {
  if (allowed.length > 0) {
    const takes = `the path takes ${allowed.join(', ')}`;
    if (method === 'OPTIONS') return { status: 204, why: `${takes}, and no route is for OPTIONS`, allow: allowed };
    return { status: 405, why: `${takes}, and not ${method}`, allow: allowed };
  }
  if (path === null) return { status: 404, why: "the path does not begin with the router's prefix" };
  const nearest = nearestRoute(router, path);
  const none = { status: 404, why: `no route takes ${path === '' ? 'the empty path' : path}` };
  return nearest === undefined ? none : { ...none, nearest: describeRoute(router, nearest) };
}

/** A segment that is missing, too many, or quite another one. */
const FAR = 3;

/** The route whose template is least unlike a path; undefined where none comes near. */
export function nearestRoute(router: BuiltRouter, path: string): CompiledRoute | undefined {
  const wanted = path.split('/');
  const judged = router.compile().ranked.map((compiled) => {
    const template = pathText(compiled.route.parts).split('/');
    return { compiled, distance: distance(wanted, template) };
  });
  judged.sort((a, b) => a.distance - b.distance);
  const [first] = judged;
  return first !== undefined && first.distance <= FAR && first.distance < FAR * (wanted.length - 1)
    ? first.compiled
    : undefined;
}

function distance(wanted: readonly string[], template: readonly string[]): number {
  let sum = Math.abs(wanted.length - template.length) * FAR;
  for (const [at, segment] of template.entries()) {
    const asked = wanted[at];
    if (asked === undefined || asked === segment || segment.includes('{')) continue;
    sum += nearestNames(asked, [segment]).length > 0 ? 1 : FAR;
  }
  return sum;
}
