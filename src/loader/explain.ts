/**
 * What would happen to a request, told from the tree: no filter is made and nothing runs.
 */
import { IncomingMessage, STATUS_CODES } from 'node:http';
import { Socket } from 'node:net';
import { type App, type Conf, type Description, environ } from '../app/index.js';
import type { Declared } from '../app/internal.js';
import type { Config } from '../config/index.js';
import type { Origin } from '../errors/index.js';
import { cascade } from './composite/cascade.js';
import { byCodePoints, type Mount, MountTable, placeKey, placeOfKey } from './composite/mount-table.js';
import { chosenMount, matchOf, targetOf, urlmap } from './composite/urlmap.js';
import { versionedMatch, versionedUrlmap } from './composite/versioned-urlmap.js';
import type { ContextTree } from './context.js';

/** A request that is only thought of. */
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
  readonly what: 'composite' | 'pipeline' | 'filter' | 'app' | 'route' | 'action' | 'answer';
  readonly name: string;
  readonly factory?: string | undefined;
  readonly origin: Origin | undefined;
  /** What happens here, and why. */
  readonly text: string;
  /** Of a filter: whether it answers by itself, with which status where that is known. */
  readonly answers?: 'never' | 'perhaps' | 'always' | number;
  /** What has been consumed of the path, and what is left, after this step. */
  readonly scriptName: string;
  readonly url: string;
}

/** What becomes of a request. */
export interface Explanation {
  readonly steps: readonly ExplainedStep[];
  /** The status of the answer; `decided`: something answers, and decides with which one; undefined: that is not known. */
  readonly answer: number | 'decided' | undefined;
}

/** Tells what an app does with what reaches it. */
export type ExplainApp = (app: ContextTree, req: IncomingMessage) => Promise<Explanation>;

/** Tells what a filter does with what reaches it; undefined where that is not known. */
export type DescribeFilter = (filter: ContextTree, req: IncomingMessage) => Description | undefined;

/** The steps of a request through a tree, outermost first. The last is the answer, or what gives it. */
export async function explainRequest(
  tree: ContextTree,
  request: ImaginedRequest,
  parts: { readonly describe: DescribeFilter; readonly explainApp: ExplainApp },
): Promise<Explanation> {
  const walk = new Walk(parts.describe, parts.explainApp);
  const answer = await walk.enter(tree, imagined(request));
  return { steps: walk.steps, answer };
}

/** What a filter or an app says of itself, with the options it has; undefined where it says nothing. */
export function describeNode(node: ContextTree, config: Config, req?: IncomingMessage): Description | undefined {
  const { describe, group, options } = (node.resolved ?? {}) as Partial<Declared>;
  if (describe === undefined) return undefined;
  const local = Object.fromEntries(node.localConf);
  const values = group === undefined ? local : config.group(group, options!, { local: node.options });
  return describe(values as never, req, { config, section: node });
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
    switch (node.type) {
      case 'pipeline':
        this.#step(req, 'pipeline', node, `${counted(node.filters!.length, 'filter')}, then "${node.app!.name}"`);
        return this.#behind(node.filters!, node.app!, req);
      case 'filter-app':
      case 'filter-with':
        return this.#behind([node.filter!], node.next!, req);
      case 'composite':
        return this.#composite(node, req);
      default:
        return this.#app(node, req);
    }
  }

  /** The app, unless one of the filters answers. */
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
    const versioned = node.resolved === versionedUrlmap;
    if (versioned || node.resolved === urlmap) return this.#urlmap(node, req, versioned);
    const members = node.children ?? [];
    const [only, ...others] = members.filter(({ get }) => get === 'app');
    if (only === undefined) return this.#app(node, req);
    if (node.resolved === cascade) return this.#cascade(node, req);
    const text = others.length === 0 ? 'is the pipeline that the configuration chooses' : UNTOLD;
    this.#step(req, 'composite', node, text);
    const filters = members.filter(({ get }) => get === 'filter').map(({ context }) => context);
    return this.#behind(filters, only.context, req);
  }

  async #urlmap(node: ContextTree, req: IncomingMessage, versioned: boolean): Promise<Answer> {
    const { option, status = 404, why, prefix, url } = explainMount(node.localConf, node.globalConf, req, versioned);
    environ(req).scriptName += prefix;
    req.url = url;
    this.#step(req, 'composite', node, why);
    const child = childAt(node, option);
    if (child !== undefined) return this.enter(child, req);
    this.#step(req, 'answer', node, `${status} ${STATUS_CODES[status]}`);
    return status;
  }

  /** Each app in turn, until one is known to answer with what is not dropped; what is behind an unknown answer is no certain one. */
  async #cascade(node: ContextTree, req: IncomingMessage): Promise<Answer> {
    const order = [...node.localConf.keys()].filter((name) => name.startsWith('app')).sort(byCodePoints);
    const caught = node.localConf.get('catch') ?? '404';
    this.#step(req, 'composite', node, `tries ${order.join(', ')} until an answer is not ${caught}`);
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

const UNTOLD = 'chooses an app by rules of its own';
/** Of a filter that says nothing of itself. */
export const UNDESCRIBED: Description = { does: 'may answer by itself, else hands on', answers: 'perhaps' };

function childAt(node: ContextTree, option: string | undefined): ContextTree | undefined {
  if (option === undefined) return undefined;
  return node.children?.find((child) => child.get === 'app' && child.option === option)?.context;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Where a URL map would send it. */
interface ExplainedMount {
  /** The option of the mount; `not_found_app`, or undefined where the map answers by itself. */
  readonly option: string | undefined;
  /** What it answers by itself. Default: 404. */
  readonly status?: number;
  /** In words. */
  readonly why: string;
  /** What is added to the script name. */
  readonly prefix: string;
  /** Path and query that the app would see. */
  readonly url: string;
}

/** The mount of a URL map with these options that takes the request. */
function explainMount(conf: Conf, globalConf: Conf, req: IncomingMessage, versioned: boolean): ExplainedMount {
  const options = new Map<App, string>();
  const mounts: Mount[] = [];
  for (const option of conf.keys()) {
    if (option === 'not_found_app') continue;
    const app: App = () => undefined;
    options.set(app, option);
    mounts.push({ ...placeOfKey(placeKey(option, undefined), undefined), app });
  }
  const table = new MountTable(mounts, versioned);
  const whole = req.url ?? '';
  // OPTIONS *, which is for the server as a whole.
  if (!whole.startsWith('/') && whole !== '') {
    return { option: undefined, status: 400, why: `${whole} is not a path`, prefix: '', url: whole };
  }
  const target = targetOf(req);
  const found = versioned ? versionedMatch(table, req, target) : chosenMount(matchOf(table, req, target.path));
  if (found === undefined) {
    const fallback = conf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
    const tried = table.mounts.map(({ domain, path }) => `${domain ?? ''}${path === '' ? '/' : path}`).join(', ');
    const why = `no mount takes ${target.path === '' ? 'the empty path' : target.path} (${tried === '' ? 'there is none' : tried})`;
    return { option: fallback === '' ? undefined : 'not_found_app', why, prefix: '', url: whole };
  }
  const { mount, prefix } = found.match;
  const option = options.get(mount.app);
  const place = `${mount.domain === null ? '' : `${mount.domain} `}${mount.path === '' ? '/' : mount.path}`;
  if (found.byVersion) return { option, why: `the version asked for is mounted at ${place}`, prefix, url: whole };
  const url = target.path.slice(prefix.length) + target.query;
  return { option, why: `${place} is the first mount that takes ${target.path}`, prefix, url };
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
