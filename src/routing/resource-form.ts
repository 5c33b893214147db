/**
 * Extensions of a router's resource over Routes: paths with braces, and requirements without effect.
 */
import { nearestOrAll, type PorticoError } from '../errors/index.js';
import type { RouterResourceOptions } from './connect-options.js';
import type { ExpandedRoute } from './mapper/resource-routes.js';
import { MEMBER_ID } from './route/route.js';
import { RouteError } from './route/route-error.js';
import { type RouteWarning, readTemplate } from './template/template.js';

/** Returns a path of a resource with braces, as paths are displayed everywhere; `member`: the variable of a member. */
function inBraces(template: string, member: string): string {
  return template.replace(/:\(id\)(?=$|[/.])/, member).replace(/:\((\w+)\)/g, '{$1}');
}

/** Returns requirements that no path of a resource uses: Python's Routes gives its members a fixed one. */
function ineffectiveRequirements(collectionName: string, options: RouterResourceOptions): RouteWarning[] {
  const { requirements = {}, pathPrefix, parentResource: parent } = options;
  const before = pathPrefix ?? (parent ? `{${parent.memberName}_id}` : '');
  const asked = new Set(
    readTemplate(before, {}, false).parts.map((part) => (typeof part === 'string' ? '' : part.name)),
  );
  const idle = Object.entries(requirements).filter(([name]) => name !== 'format' && !asked.has(name));
  return idle.map(([name, regex]) => ({
    code: 'PORTICO_ROUTE_IDLE_REQUIREMENT',
    message: `the requirement of "${name}" has no effect on the resource "${collectionName}"`,
    hint:
      name === 'id'
        ? `Write id: ${JSON.stringify(isInteger(regex) ? 'int' : regex)}.`
        : `Its paths have: ${[...asked].filter(Boolean).join(', ') || 'only id'}.`,
  }));
}

function isInteger(regex: string): boolean {
  return /^(?:\\d|\[0-9\])[+*]$/.test(regex);
}

/** Returns the routes of a resource in a router: filtered by `only` and `except`, with the options applied. */
export function resourceForm(
  expanded: readonly ExpandedRoute[],
  collectionName: string,
  options: RouterResourceOptions,
  { isType, refuse }: { readonly isType: (id: string) => boolean; readonly refuse: (error: PorticoError) => void },
): readonly ExpandedRoute[] {
  const actions = new Set(expanded.map(({ options: { action } }) => String(action)));
  for (const name of [...(options.only ?? []), ...(options.except ?? [])]) {
    if (actions.has(name)) continue;
    refuse(
      new RouteError('PORTICO_ROUTE_UNKNOWN_ACTION', {
        message: `the resource "${collectionName}" has no action "${name}"`,
        hint: nearestOrAll(name, actions, 'It has'),
      }),
    );
  }
  const { auth, docs } = options;
  const kept = expanded.filter(({ formatted, options: { action } }) => {
    if (formatted && options.formatted === false) return false;
    return (options.only?.includes(String(action)) ?? true) && !options.except?.includes(String(action));
  });
  const notices = ineffectiveRequirements(collectionName, options);
  const { id } = options;
  const isTyped = id !== undefined && isType(id);
  return kept.map((route, at) => ({
    ...route,
    template: inBraces(route.template, isTyped ? `{id:${id}}` : '{id}'),
    options: {
      ...route.options,
      ...(id !== undefined && route.options.requirements?.id === MEMBER_ID && { requirements: { id } }),
      ...(auth !== undefined && { auth }),
      ...docs,
      ...(at === kept.length - 1 && { _notices: notices }),
    },
  }));
}
