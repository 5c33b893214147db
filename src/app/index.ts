/** `portico/app`: the App contract and its tools. */

export { DirectResponse, GatheredBytes } from '../wire/index.js';
export {
  abortReason,
  abortResponse,
  afterResponse,
  destroyReason,
  muteWhenEnded,
  type ResponseListener,
  type ResponseOutcome,
} from './after-response.js';
export { countAnswer, sentBytes, wrongLength } from './answer-body.js';
export { type App, catching, type Filter } from './app.js';
export { authOptions } from './auth-strategy.js';
export { beforeHead, defaultHeaders, type HeadListener } from './before-head.js';
export { quoteClient, targetMask } from './client-text.js';
export { compose } from './compose.js';
export { type ContextFields, contextFacts, currentContext, RequestContext, runInContext } from './context.js';
export {
  connectionAddress,
  connectionRemote,
  type Environ,
  environ,
  type MatchedRoute,
  noteAddress,
  offerSignal,
  type Remote,
  remoteOf,
} from './environ.js';
export {
  type AppFactory,
  appFactory,
  type CompositeFactory,
  type Conf,
  type Declared,
  type FactoryContext,
  type FilterAppFactory,
  type FilterFactory,
  filterFactory,
  type LiveOptions,
  type MoreOfFactory,
  optionOrigin,
  type Section,
  type SectionLoader,
  type Trial,
  type WantedOrder,
} from './factory.js';
export {
  type ClosableApp,
  type CreateFastifyOptions,
  createFastify,
  type FastifyAppOptions,
  fastifyApp,
  type LeafPlugin,
  listenerOf,
} from './fastify-app.js';
export {
  type AnswerFaultOptions,
  answerFault,
  asFault,
  Fault,
  type FaultDetails,
  type FaultStyle,
  faultOptions,
  faultStyleOf,
  ownFaultStyle,
  renderFault,
} from './fault.js';
export { type Folder, type FolderLookUp, type FolderNode, folderApp, nodeAt } from './folder-app.js';
export { type ConnectMiddleware, connectApp, fromConnect } from './from-connect.js';
export { type FetchHandler, fromFetch } from './from-fetch.js';
export { guardPipe } from './guard-pipe.js';
export { foldHeaders, replaceRawHeaders, usableHeaders } from './headers.js';
export { type HoldOptions, holdBody } from './hold-body.js';
export { methodsOf, type OverrideSource, overriddenMethod } from './method-override.js';
export { loadNegotiator, preferredEncoding, preferredType } from './negotiate.js';
export { isOwnPatch } from './own-patches.js';
export { countPlaces, inPlace, noteOriginal, type Places, selfPlaced } from './places.js';
export { type BodyCollected, collectBody, limitBody, type ReadBodyOptions, readBody, tooLarge } from './read-body.js';
export { collapsed, decodePath, encodedPath, requestPath, wholeTarget, writtenPath } from './request-path.js';
export { isDraining, isRecordLost, markDraining, tellRecordLost } from './server-state.js';
export { type SharedOptions, type SharingContext, sharedByConfig } from './shared-by-config.js';
export { type SharedDatabaseOptions, sharedDatabase, sqliteConnection } from './shared-database.js';
export { type BodyTransformer, transformBody } from './transform-body.js';
export { type RouteJudge, routedTo, tellRouted, whenRouted } from './when-routed.js';
