/** Predicts the steps of a request through the tree without creating filters or sending a request. */
import { IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { type Description, environ } from '../app/index.js';
import { exchangeOf } from '../app/internal.js';
import type { Origin } from '../errors/index.js';
import { countText } from '../text/index.js';
import { cascade } from './composite/cascade.js';
import { byCodePoints, MountTable, type Place, placeOf } from './composite/mount-table.js';
import { type ChooseMount, matchIn, mountOptions, moveToMount, pathOf, urlmap } from './composite/urlmap.js';
import { matchByVersion, versionedUrlmap } from './composite/versioned-urlmap.js';
import { type ContextTree, piped, UNDESCRIBED } from './tree.js';

/** A hypothetical request. */
export interface ImaginedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly secure: boolean;
}

/** One step of a request through the tree. */
export interface ExplainedStep {
  readonly what: 'composite' | 'pipeline' | 'filter' | 'app' | 'route' | 'action' | 'response';
  readonly name: string;
  readonly factory?: string | undefined;
  readonly origin: Origin | undefined;
  /** Description of the step, and its reason. */
  readonly text: string;
  /** For a filter: whether it answers the request, or the status if that is known. */
  readonly answers?: 'never' | 'perhaps' | 'always' | number;
  /** The consumed part of the path, and the rest, after this step. */
  readonly scriptName: string;
  readonly url: string;
}

/** The predicted steps of a request. */
export interface Explanation {
  readonly steps: readonly ExplainedStep[];
  /** The status of the response; `decided`: one of the steps answers with a status it chooses; undefined: unknown. */
  readonly answer: number | 'decided' | undefined;
}

/** Returns the steps of a request in an app. */
export type ExplainApp = (app: ContextTree, req: IncomingMessage) => Promise<Explanation>;

/** Describes the effect of a filter on a request; undefined if unknown. */
export type DescribeFilter = (filter: ContextTree, req: IncomingMessage) => Description | undefined;

/** Returns the steps of a request through a tree, outermost first. The last is the response, or the app that sends it. */
export async function explainRequest(
  tree: ContextTree,
  request: ImaginedRequest,
  parts: { readonly describe: DescribeFilter; readonly explainApp: ExplainApp },
): Promise<Explanation> {
  const walk = new Walk(parts.describe, parts.explainApp);
  const answer = await walk.enter(tree, imagined(request));
  return { steps: walk.steps, answer };
}

type Answer = Explanation['answer'];

class Walk {
  readonly steps: ExplainedStep[] = [];
  readonly #describe: DescribeFilter;
  readonly #explainApp: ExplainApp;

  constructor(describe: DescribeFilter, explainApp: ExplainApp) {
    this.#describe = describe;
    this.#explainApp = explainApp;
  }

  async enter(node: ContextTree, req: IncomingMessage): Promise<Answer> {
    const { filters, inner } = piped(node);
    if (inner === undefined) return node.type === 'composite' ? this.#composite(node, req) : this.#app(node, req);
    if (node.type === 'pipeline') {
      const count = countText(filters.length, 'filter');
      this.#step(req, 'pipeline', node, `${count}, then "${inner.name}"`);
    }
    return this.#behind(filters, inner, req);
  }

  /** Returns the app's answer, unless one of the filters answers. */
  async #behind(filters: readonly ContextTree[], app: ContextTree, req: IncomingMessage): Promise<Answer> {
    for (const filter of filters) {
      const answer = this.#filter(filter, req);
      if (answer !== undefined) return answer;
    }
    return this.enter(app, req);
  }

  #filter(node: ContextTree, req: IncomingMessage): Answer {
    if (node.type === 'filter-with') return this.#filter(node.filter!, req) ?? this.#filter(node.next!, req);
    const said = this.#describe(node, req) ?? UNDESCRIBED;
    const { does, answers = 'never', rewrites } = said;
    if (rewrites !== undefined) {
      environ(req).scriptName = rewrites.scriptName;
      req.url = rewrites.url;
    }
    this.#step(req, 'filter', node, does, answers);
    if (typeof answers === 'number') return answers;
    return answers === 'always' ? 'decided' : undefined;
  }

  async #app(node: ContextTree, req: IncomingMessage): Promise<Answer> {
    const { steps, answer } = await this.#explainApp(node, req);
    this.steps.push(...steps);
    return answer;
  }

  async #composite(node: ContextTree, req: IncomingMessage): Promise<Answer> {
    if (node.resolved === urlmap) return this.#urlmap(node, req, matchIn);
    if (node.resolved === versionedUrlmap) return this.#urlmap(node, req, matchByVersion);
    const members = node.children ?? [];
    const [only, ...others] = members.filter(({ get }) => get === 'app');
    if (only === undefined) return this.#app(node, req);
    if (node.resolved === cascade) return this.#cascade(node, req);
    const text = others.length === 0 ? 'is the pipeline that the configuration selects' : UNTOLD;
    this.#step(req, 'composite', node, text);
    const filters = members.filter(({ get }) => get === 'filter').map(({ context }) => context);
    return this.#behind(filters, only.context, req);
  }

  /** Follows the mount that matches the request; without one, the map answers. */
  #urlmap(node: ContextTree, req: IncomingMessage, choose: ChooseMount): Promise<Answer> {
    const url = req.url ?? '';
    // OPTIONS *, which is about the server as a whole.
    if (!url.startsWith('/') && url !== '') return this.#mounted(node, req, undefined, `${url} is not a path`, 400);
    const { localConf, globalConf } = node;
    const mounts = mountOptions(localConf).map((option) => ({ ...placeOf(option), app: option }));
    const table = new MountTable(mounts, choose === matchByVersion);
    const exchange = exchangeOf(req);
    const path = pathOf(exchange);
    const found = choose(table)(path, req);
    if (found === undefined) {
      const fallback = localConf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
      const tried = table.mounts.map(nameOfPlace('')).join(', ');
      const why = `no mount matches ${path || 'the empty path'} (${tried || 'there is none'})`;
      return this.#mounted(node, req, fallback === '' ? undefined : 'not_found_app', why);
    }
    const place = nameOfPlace(' ')(found.mount);
    const why =
      found.byVersion === true
        ? `the requested version is mounted at ${place}`
        : `${place} is the first mount that matches ${path}`;
    return this.#mounted(node, req, moveToMount(exchange, found, path), why);
  }

  async #mounted(
    node: ContextTree,
    req: IncomingMessage,
    option: string | undefined,
    why: string,
    status = 404,
  ): Promise<Answer> {
    this.#step(req, 'composite', node, why);
    const child = childAt(node, option);
    if (child !== undefined) return this.enter(child, req);
    this.#step(req, 'response', node, `${status} ${STATUS_CODES[status]}`);
    return status;
  }

  /**
   * Follows each app in turn, until one is known to answer with a status that is not caught. After an app whose answer is unknown, the
   * result is unknown.
   */
  async #cascade(node: ContextTree, req: IncomingMessage): Promise<Answer> {
    const order = [...node.localConf.keys()].filter((name) => name.startsWith('app')).sort(byCodePoints);
    const caught = node.localConf.get('catch') ?? '404';
    this.#step(req, 'composite', node, `tries ${order.join(', ')} until a response is not ${caught}`);
    const answers: Answer[] = [];
    for (const option of order) {
      const answer = await this.enter(childAt(node, option)!, copied(req));
      answers.push(answer);
      if (typeof answer === 'number' && !caught.split(/\s+/).includes(String(answer))) break;
    }
    if (answers.includes(undefined)) return undefined;
    return answers.includes('decided') ? 'decided' : answers.at(-1);
  }

  #step(
    req: IncomingMessage,
    what: ExplainedStep['what'],
    { name, factory, origin }: ContextTree,
    text: string,
    answers?: ExplainedStep['answers'],
  ): void {
    const place = { scriptName: environ(req).scriptName, url: req.url ?? '' };
    this.steps.push({ what, name, factory, origin, text, ...(answers === undefined ? {} : { answers }), ...place });
  }
}

const UNTOLD = 'selects an app by its own rules';
function childAt(node: ContextTree, option: string | undefined): ContextTree | undefined {
  if (option === undefined) return undefined;
  return node.children?.find((child) => child.get === 'app' && child.option === option)?.context;
}

function nameOfPlace(between: string): (place: Place) => string {
  return ({ domain, path }) => `${domain === null ? '' : domain + between}${path === '' ? '/' : path}`;
}

function imagined({ method, url, headers, secure }: ImaginedRequest): IncomingMessage {
  const req = new IncomingMessage(Object.assign(new Socket(), { encrypted: secure }));
  return Object.assign(req, { method, url, headers: { ...headers } });
}

function copied(req: IncomingMessage): IncomingMessage {
  const copy = new IncomingMessage(req.socket);
  Object.assign(copy, { method: req.method, url: environ(req).originalUrl, headers: { ...req.headers } });
  environ(copy).scriptName = environ(req).scriptName;
  return Object.assign(copy, { url: req.url });
}
