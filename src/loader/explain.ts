/**
 * What would happen to a request, told from the tree: nothing is created and nothing runs.
 */
import type { Origin } from '../errors/index.js';
import { cascade } from './composite/cascade.js';
import { byCodePoints } from './composite/code-points.js';
import { explainMount, type ImaginedRequest } from './composite/explain-urlmap.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import type { ContextTree } from './tree.js';

/** One step of a request on its way. */
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
  const way = new Way(request);
  way.walk(tree);
  return way.steps;
}

class Way {
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
