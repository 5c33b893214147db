/** `portico/routing`: routes to controllers. */

export type { SchemaDraft } from '../app/internal.js';

export {
  type Action,
  type ActionOptions,
  action,
  type BodyOf,
  type Handler,
  type HeadersOf,
  type ParamsIn,
  type QueryOf,
  type ResponseOf,
} from './actions/action.js';
export type { ActionRequest, Args } from './actions/action-request.js';
export type { Schemas, Since, Statuses } from './actions/by-version.js';
export type { ControllerSource } from './actions/controllers.js';
export { Resource, type ResourceSettings } from './actions/controllers.js';
export type { Accepted, Auth, Guard, KnownCaller } from './actions/guard.js';
export type { OperationDocs, RequestDocs, ResponseDocs } from './actions/operation-docs.js';
export { type FileOptions, type FileReply, Reply, SENT } from './actions/reply.js';
export type {
  FromSchema,
  JsonSchema,
  Schema,
  StandardIssue,
  StandardResult,
  StandardSchema,
  TypeBoxSchema,
  WriteAsConstAfterTheSchema,
} from './actions/schema.js';
export type { BodyByType, BodyOption, BodyType, BodyWord, FormFields, WordTypes } from './actions/taken-types.js';
export type {
  Upload,
  UploadedFile,
  UploadOptions,
  UploadProblem,
  UploadRefused,
} from './actions/upload.js';
export type { ApiVersion, VersionRange, WrittenRange } from './api-version.js';
export type { OpenApiOptions } from './built-router.js';
export type {
  ConnectOptions,
  Fitting,
  HandlerOf,
  OnlyGiven,
  Responses,
  RouterRedirectOptions,
  RouterResourceOptions,
  RouterUrl,
} from './connect-options.js';
export type { ErrorClass, FaultMapping } from './fault-mapping.js';
export { Mapper, type MapperOptions, type Redirect, type RedirectOptions } from './mapper/mapper.js';
export type { ResourceOptions } from './mapper/resource-routes.js';
export type { RouteSettings } from './mapper/route-settings.js';
export type {
  CollectionOptions,
  StandardRouteOptions,
  SubMapper,
  SubMapperAction,
  SubMapperOptions,
} from './mapper/submapper.js';
export type { Found } from './matching/compiled-route.js';
export type { ConditionFunction, Conditions, Match, MatchRequest } from './route/conditions.js';
export type { BuiltInTypes, ParamsOf, ParamType, ParamTypes } from './route/param-types.js';
export type { GenerateFilter, ParentResource, Requirements, Route, RouteOptions } from './route/route.js';
export type {
  InstanceOf,
  MethodOptions,
  Misfits,
  OfController,
  RouteHandler,
  RouteMethod,
  RouteOfMethods,
  Suits,
  Unfit,
  WantedBy,
} from './route-method.js';
export { Router } from './router.js';
export type { FastifyPlugin, RouterFastifyOptions, RouterOptions, RouterPlugin } from './router-options.js';
export type { WithName } from './router-routes.js';
export type { PathVariable, RouteWarning, TemplatePart } from './template/template.js';
export type { UrlContext, UrlValues } from './urls/url-builder.js';
export type { RefusedVersion, VersionOptions, VersionRefusal } from './version-negotiation.js';
