/**
 * What would happen to a request, told from the tree: nothing is created and nothing runs.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { App, Conf } from '../app/index.js';
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
  readonly what: 'composite' | 'pipeline' | 'filter' | 'app' | 'answer';
  readonly name: string;
  readonly factory?: string | undefined;
  readonly origin: Origin | undefined;
  /** What happens here, and why. */
  readonly text: string;
  /** What has been consumed of the path, and what is left, after this step. */
  readonly scriptName: string;
  readonly url: string;
}

/** The steps of a request through a tree, outermost first. The last is the app that gets it, or the answer. */
export function explainRequest(tree: ContextTree, request: ImaginedRequest): ExplainedStep[] {
  const explanation = new Explanation(request);
  explanation.walk(tree);
  return explanation.steps;
}

class Explanation {
  readonly steps: ExplainedStep[] = [];
  #request: ImaginedRequest;
  #scriptName = '';

  constructor(request: ImaginedRequest) {
    this.#request = request;
  }

  walk(node: ContextTree): void {
    switch (node.type) {
      case 'pipeline':
        this.#step('pipeline', node, `${counted(node.filters!.length, 'filter')}, then "${node.app!.name}"`);
        for (const filter of node.filters!) this.#filter(filter);
        this.walk(node.app!);
        return;
      case 'filter-app':
      case 'filter-with':
        this.#filter(node.filter!);
        this.walk(node.next!);
        return;
      case 'composite':
        this.#composite(node);
        return;
      default:
        this.#step('app', node, 'answers');
    }
  }

  #filter(node: ContextTree): void {
    if (node.type === 'filter-with') {
      this.#filter(node.filter!);
      this.#filter(node.next!);
    } else {
      this.#step('filter', node, 'may answer by itself, else hands on');
    }
  }

  #composite(node: ContextTree): void {
    const versioned = node.resolved === versionedUrlmap;
    if (versioned || node.resolved === urlmap) {
      this.#urlmap(node, versioned);
      return;
    }
    const [only, ...others] = (node.children ?? []).filter(({ get }) => get === 'app');
    if (only === undefined) {
      this.#step('composite', node, 'answers, or chooses an app by rules of its own');
      return;
    }
    if (node.resolved === cascade) {
      const order = [...node.localConf.keys()].filter((name) => name !== 'catch').sort(byCodePoints);
      this.#step(
        'composite',
        node,
        `tries ${order.join(', ')} until an answer is not ${node.localConf.get('catch') ?? '404'}`,
      );
      for (const option of order) this.#child(node, option);
      return;
    }
    this.#step(
      'composite',
      node,
      others.length === 0 ? `is the pipeline that the configuration chooses` : 'chooses an app by rules of its own',
    );
    for (const { get, context } of node.children ?? []) if (get === 'filter') this.#filter(context);
    this.walk(only.context);
  }

  #urlmap(node: ContextTree, versioned: boolean): void {
    const { option, why, prefix, url } = explainMount(node.localConf, node.globalConf, this.#request, versioned);
    this.#scriptName += prefix;
    this.#request = { ...this.#request, url };
    this.#step('composite', node, why);
    if (option === undefined) this.#step('answer', node, '404 Not Found');
    else this.#child(node, option);
  }

  /** The child that an option names; children are in the order of their options, `not_found_app` first. */
  #child(node: ContextTree, option: string): void {
    const reference = node.localConf.get(option) ?? node.globalConf.get(option);
    const child = node.children?.find(({ get, name }) => get === 'app' && name === reference);
    if (child !== undefined) this.walk(child.context);
  }

  #step(what: ExplainedStep['what'], { name, factory, origin }: ContextTree, text: string): void {
    this.steps.push({ what, name, factory, origin, text, scriptName: this.#scriptName, url: this.#request.url });
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Where a URL map would send it. */
interface ExplainedMount {
  /** The option of the mount; `not_found_app`, or undefined when the answer would be 404. */
  readonly option: string | undefined;
  /** In words. */
  readonly why: string;
  /** What is added to the script name. */
  readonly prefix: string;
  /** Path and query that the app would see. */
  readonly url: string;
}

/** The mount of a URL map with these options that takes the request. Throws what the map would throw for its target. */
function explainMount(conf: Conf, globalConf: Conf, request: ImaginedRequest, versioned: boolean): ExplainedMount {
  const options = new Map<App, string>();
  const mounts: Mount[] = [];
  for (const option of conf.keys()) {
    if (option === 'not_found_app') continue;
    const app: App = () => undefined;
    options.set(app, option);
    mounts.push({ ...placeOfKey(placeKey(option, undefined), undefined), app });
  }
  const table = new MountTable(mounts, versioned);
  const req = messageOf(request);
  const target = targetOf(req);
  const found = versioned ? versionedMatch(table, req, target) : chosenMount(matchOf(table, req, target.path));
  if (found === undefined) {
    const fallback = conf.get('not_found_app') ?? globalConf.get('not_found_app') ?? '';
    const tried = table.mounts.map(({ domain, path }) => `${domain ?? ''}${path === '' ? '/' : path}`).join(', ');
    const why = `no mount takes ${target.path === '' ? 'the empty path' : target.path} (${tried === '' ? 'there is none' : tried})`;
    return { option: fallback === '' ? undefined : 'not_found_app', why, prefix: '', url: request.url };
  }
  const { mount, prefix } = found.match;
  const place = `${mount.domain === null ? '' : `${mount.domain} `}${mount.path === '' ? '/' : mount.path}`;
  if (found.byVersion) {
    return {
      option: options.get(mount.app),
      why: `the version asked for is mounted at ${place}`,
      prefix,
      url: request.url,
    };
  }
  const url = target.path.slice(prefix.length) + target.query;
  return { option: options.get(mount.app), why: `${place} is the first mount that takes ${target.path}`, prefix, url };
}

function messageOf({ method, url, headers, secure }: ImaginedRequest): IncomingMessage {
  const req = new IncomingMessage(Object.assign(new Socket(), { encrypted: secure }));
  req.method = method;
  req.url = url;
  req.headers = { ...headers };
  return req;
}
