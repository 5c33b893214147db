/** What other directories of Portico use of this one beside what is published. */
export {
  type BuiltRouter,
  collectRouters,
  mountedRouter,
  outerRouters,
  type PlacedRouter,
  withMounted,
} from './built-router.js';
export { filterName } from './describe-routes.js';
export { type ExplainedRoute, explainRoute } from './explain-route.js';
export { Route } from './mapper/route.js';
export { GenerationError, RouteError } from './mapper/route-error.js';
export { type DocumentedRouter, openApiOf } from './openapi.js';
export { dispatch } from './serving/dispatch.js';
export { enterMount } from './serving/mount.js';
export { legacyRules, slowRequirements, warningsOf } from './template/template-warnings.js';
export { ApiVersion } from './versions/api-version.js';
