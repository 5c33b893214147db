/** `portico/routing`: routes to controllers. */

export { type Action, type ActionOptions, action, type Handler, type Versioned } from './action.js';
export { type ActionMaker, type ActionMakerOptions, actionMaker, type MadeActionOptions } from './action-maker.js';
export { ActionRequest, type Args } from './action-request.js';
export { ApiVersion, type VersionRange, type WrittenRange } from './api-version.js';
export { type ClientPatternOptions, clientPattern } from './client-pattern.js';
export { collectRouters } from './collect-routers.js';
export { Found } from './compiled-route.js';
export type { ConditionFunction, Conditions, Match, MatchRequest } from './conditions.js';
export type { ControllerSource } from './controllers.js';
export { decodePath } from './decode-path.js';
export {
  type DescribedRoute,
  describeRoutes,
  type ExplainedMatch,
  explainMatch,
  type PassedOver,
} from './describe-routes.js';
export { type Dispatch, dispatch, type Matched, type Redirected } from './dispatch.js';
export { type DocumentAppOptions, documentApp } from './document-app.js';
export { clientTime, isoMicros, isoSeconds } from './iso-time.js';
export type { FromSchema, JsonSchema } from './json-schema.js';
export { type KeyValueActions, type KeyValueOptions, type KeyValues, keyValueActions } from './key-values.js';
export { Mapper, type MapperOptions, type Redirect } from './mapper.js';
export { type OverrideSource, overriddenMethod } from './method-override.js';
export { type OpenApiAdditions, type OpenApiOptions, openApiDocument } from './openapi.js';
export { findOverlaps, type Overlap } from './overlaps.js';
export {
  type CollectionPageOptions,
  collectionPage,
  cutPage,
  type Page,
  type PageLink,
  type PageOptions,
  type PageRequest,
  type PageRequester,
  pageOf,
  pageRequest,
  unknownMarker,
} from './pages.js';
export type { BuiltInTypes, ParamType } from './param-types.js';
export type { ParamsOf } from './params-of.js';
export { type QueryFilter, type QueryFilters, queryFilters } from './query-filters.js';
export { type SlowRequirement, slowRequirements } from './regex-cost.js';
export { Reply, SENT } from './reply.js';
export { Resource, type ResourceSettings } from './resource.js';
export { bookmarkUrl, type ResourceLink, resourceLinks } from './resource-links.js';
export type { ResourceOptions } from './resource-routes.js';
export { type GenerateFilter, type ParentResource, type Requirements, Route, type RouteOptions } from './route.js';
export { GenerationError, RouteError, RouteTableError } from './route-error.js';
export type { RouteSettings } from './route-settings.js';
export {
  type ConnectOptions,
  type OperationSource,
  Router,
  type RouterResourceOptions,
  type RouterUrl,
} from './router.js';
export type { RouterOptions } from './router-options.js';
export {
  anyText,
  flag,
  isTrue,
  keyValuePairs,
  listOf,
  type Members,
  type MembersSince,
  members,
  object,
  objectSince,
  orNull,
  querySince,
  text,
  wholeNumber,
} from './schema-words.js';
export { serveController } from './serve-controller.js';
export { findShadowed, type Shadowed } from './shadow.js';
export type { Since } from './since.js';
export { type SortKeys, sortKeys } from './sort-keys.js';
export type { MakeAction, SubResourceOptions, SubResourceRequest } from './sub-resource.js';
export {
  type CollectionOptions,
  type StandardRouteOptions,
  SubMapper,
  type SubMapperAction,
  type SubMapperOptions,
} from './submapper.js';
export { type TagActions, type TagOptions, tagActions, tagFilters } from './tags.js';
export { legacyRules, type RouteWarning, warningsOf } from './template-warnings.js';
export type { UrlSurroundings, UrlValues } from './url-builder.js';
export { type VersionDocument, type VersionDocumentOptions, versionDocument } from './version-document.js';
export type { VersionOptions } from './version-negotiation.js';
export { type View, type Viewer, view } from './view.js';
