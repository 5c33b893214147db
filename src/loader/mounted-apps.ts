/**
 * The apps at the ends of a tree, each with the path at which requests reach it and the filters on their way.
 */
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Config } from '../config/index.js';
import { placeKey, placeOfKey } from './composite/mount-table.js';
import { urlmap } from './composite/urlmap.js';
import { versionedUrlmap } from './composite/versioned-urlmap.js';
import type { ContextTree } from './context.js';
import { describeNode } from './explain.js';

/** An app, or a composite that does not tell what is in it. */
export interface MountedApp {
  readonly app: ContextTree;
  /** What stands before the path that the app sees; in front of it a domain, where only requests to that get there. */
  readonly prefix: string;
  /** Outermost first. */
  readonly filters: readonly ContextTree[];
}

/** All of a tree, in the order in which the file names them. */
export function mountedApps(tree: ContextTree, config: Config): readonly MountedApp[] {
  return below(tree, { prefix: '', filters: [] }, config);
}

type Way = Pick<MountedApp, 'prefix' | 'filters'>;

function below(node: ContextTree, way: Way, config: Config): readonly MountedApp[] {
  const inside = (filters: readonly ContextTree[], app: ContextTree): readonly MountedApp[] =>
    below(app, behind(filters.flatMap(plainFilters), way, config), config);
  if (node.type === 'pipeline') return inside(node.filters!, node.app!);
  if (node.type === 'filter-app' || node.type === 'filter-with') return inside([node.filter!], node.next!);
  const children = node.type === 'composite' ? (node.children ?? []) : [];
  const apps = children.filter(({ get }) => get === 'app');
  if (apps.length === 0) return [{ app: node, ...way }];
  if (node.resolved === urlmap || node.resolved === versionedUrlmap) {
    return apps.flatMap(({ context, option }) => below(context, { ...way, prefix: at(way.prefix, option) }, config));
  }
  const filters = children.filter(({ get }) => get === 'filter').map(({ context }) => context);
  return apps.flatMap(({ context }) => inside(filters, context));
}

function plainFilters(node: ContextTree): readonly ContextTree[] {
  return node.type === 'filter-with' ? [...plainFilters(node.filter!), ...plainFilters(node.next!)] : [node];
}

/** Behind filters: one that takes a prefix off the path is asked for it by `/`. */
function behind(filters: readonly ContextTree[], way: Way, config: Config): Way {
  const req = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', url: '/' });
  const taken = filters.map((filter) => describeNode(filter, config, req)?.rewrites?.scriptName ?? '');
  return { prefix: way.prefix + taken.join(''), filters: [...way.filters, ...filters] };
}

/** The place of a mount behind what was taken before. */
function at(prefix: string, option: string | undefined): string {
  if (option === undefined || option === 'not_found_app') return prefix;
  const { domain, path } = placeOfKey(placeKey(option, undefined), undefined);
  return `${domain ?? ''}${prefix}${path.replace(/\/\+$/, '')}`;
}
