/** `portico/app`: the App contract and its tools. */

export type { App, ClosableApp, Filter } from './app.js';
export type { Identity, Session, SessionData } from './caller-identity.js';
export { compose } from './compose.js';
export { type Environ, environ, type MatchedRoute, type Remote } from './exchange.js';
// All of its types are the contract of factories.
export type * from './factory.js';
export { appFactory, filterFactory } from './factory.js';
export { Fault, type FaultDetails, type FaultIssue } from './fault.js';
export type { FaultRenderer, FaultStyle, FaultStyleName, RenderedFault } from './fault-form.js';
export { quoteClient, targetMask } from './faults/client-text.js';
export { forwardHeaders } from './forward-headers.js';
export {
  type CreateFastifyOptions,
  type FastifyAppOptions,
  fastifyApp,
  type LeafPlugin,
} from './host/fastify-app.js';
export {
  type ConnectMiddleware,
  type ExpressFactory,
  type FromConnectOptions,
  fromConnect,
} from './host/from-connect.js';
export { type FetchHandler, fromFetch } from './host/from-fetch.js';
export { closingOf, type ReadBodyOptions, readBody } from './read-body.js';
export { remoteOf } from './remote.js';
export {
  type CallDelivery,
  type ContextFields,
  type CurrentRequest,
  contextFacts,
  currentContext,
  currentDeadline,
  RequestContext,
  runInRequest,
  type TraceIds,
} from './request-context.js';
export { requestPath } from './request-path.js';
export type { RequestTrial } from './request-trial.js';
export { afterResponse } from './response/after-response.js';
export {
  type BodyTransformer,
  beforeHead,
  type HeadListener,
  transformBody,
} from './response/before-head.js';
export type { ResponseListener, ResponseOutcome } from './response-methods.js';
export type { RefusedValue } from './schemas/refused-value.js';
export { SchemaChecks } from './schemas/schema-error.js';
export { type CacheControl, takeUpgrade, type UpgradedConnection } from './server-state.js';
export {
  type SharedDatabaseOptions,
  type Sharer,
  type SharingContext,
  shared,
  sharedDatabase,
  sqliteConnection,
} from './shared-database.js';
