/** What other directories of Portico use of this one beside what is published. */
export { type BuiltRouter, collectRouters } from './built-router.js';
export { Route } from './mapper/route.js';
export { GenerationError, RouteError } from './mapper/route-error.js';
export { dispatch } from './serving/dispatch.js';
export { legacyRules, slowRequirements, warningsOf } from './template/template-warnings.js';
export { ApiVersion } from './versions/api-version.js';
