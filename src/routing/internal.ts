/** Exports for other directories of Portico, in addition to the published ones. */

export { ApiVersion } from './api-version.js';
export {
  type BuiltRouter,
  collectRouters,
  mountedRouter,
  outerRouters,
  type PlacedRouter,
  type PluginAnswer,
  type PluginRoute,
  routerOfApp,
  type TableWarning,
  withMounted,
} from './built-router.js';
export {
  type DescribedRoute,
  type DescribedStep,
  describeRoutes,
  describeStep,
} from './describe-routes.js';
export { legacyRules, warningsOf } from './matching/template-warnings.js';
export {
  type DocumentedRouter,
  documentedRouters,
  openApiDocument,
  openApiOf,
  type RouteOperation,
} from './openapi.js';
export { FAULT_SCHEMA_NAMES } from './openapi-schemas.js';
export { Route } from './route/route.js';
export { GenerationError, RouteError, RouteTableError } from './route/route-error.js';
export { findOverlaps, findShadowed } from './serving/check-table.js';
export { needsKnownCaller } from './serving/guard-filter.js';
export type { RouteFacts } from './serving/tried-route.js';
export { pathText } from './template/template.js';
export { versionStarts } from './version-starts.js';
