/** `portico/routing`: routes to controllers. */
export { Found } from './compiled-route.js';
export type { ConditionFunction, Conditions, Match, MatchRequest } from './conditions.js';
export { decodePath } from './decode-path.js';
export { type Dispatch, dispatch, type Matched, type Redirected } from './dispatch.js';
export { Mapper, type MapperOptions, type Redirect } from './mapper.js';
export { type OverrideSource, overriddenMethod } from './method-override.js';
export type { ResourceOptions } from './resource-routes.js';
export { type GenerateFilter, type ParentResource, type Requirements, Route, type RouteOptions } from './route.js';
export { GenerationError, RouteError, RouteTableError } from './route-error.js';
export {
  type CollectionOptions,
  type HelperOptions,
  SubMapper,
  type SubMapperAction,
  type SubMapperOptions,
} from './submapper.js';
export type { UrlSurroundings, UrlValues } from './url-builder.js';
