/** `portico/app`: the App contract and its tools. */

export { DirectResponse, GatheredBytes } from '../wire/index.js';
export { abortReason, abortResponse } from './abort-response.js';
export { afterResponse, type ResponseListener, type ResponseOutcome } from './after-response.js';
export { countAnswer, sentBytes, wrongLength } from './answer-body.js';
export { type AnswerFaultOptions, answerFault } from './answer-fault.js';
export { type App, compose, type Filter } from './app.js';
export { authOptions } from './auth-strategy.js';
export { beforeHead, defaultHeaders, type HeadListener } from './before-head.js';
export { catching } from './catching.js';
export { connectApp } from './connect-app.js';
export { type ContextFields, RequestContext } from './context.js';
export { contextFacts, currentContext, runInContext } from './current-context.js';
export { decodePath } from './decode-path.js';
export { isDraining, markDraining } from './draining.js';
export { type Environ, environ, type MatchedRoute, offerSignal } from './environ.js';
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
export { asFault, Fault, type FaultDetails, type FaultStyle, renderFault } from './fault.js';
export { faultOptions, faultStyleOf, ownFaultStyle } from './fault-style.js';
export { foldHeaders } from './fold-headers.js';
export { type Folder, type FolderLookUp, type FolderNode, folderApp, nodeAt } from './folder-app.js';
export { type ConnectMiddleware, fromConnect } from './from-connect.js';
export { type FetchHandler, fromFetch } from './from-fetch.js';
export { guardPipe } from './guard-pipe.js';
export { type HoldOptions, holdBody } from './hold-body.js';
export { limitBody } from './limit-body.js';
export { methodsOf, type OverrideSource, overriddenMethod } from './method-override.js';
export { muteWhenEnded } from './mute-response.js';
export { loadNegotiator, preferredEncoding, preferredType } from './negotiate.js';
export { isOwnPatch } from './own-patches.js';
export { countPlaces, inPlace, noteOriginal, type Places, selfPlaced } from './places.js';
export { quoteClient } from './quote-client.js';
export { replaceRawHeaders } from './raw-headers.js';
export { type BodyCollected, collectBody, type ReadBodyOptions, readBody, tooLarge } from './read-body.js';
export { isRecordLost, tellRecordLost } from './record-loss.js';
export { connectionAddress, connectionRemote, noteAddress, type Remote, remoteOf } from './remote.js';
export { collapsed, encodedPath, requestPath, wholeTarget, writtenPath } from './request-path.js';
export { type SharedOptions, type SharingContext, sharedByConfig } from './shared-by-config.js';
export { type SharedDatabaseOptions, sharedDatabase, sqliteConnection } from './shared-database.js';
export { targetMask } from './target-mask.js';
export { type BodyTransformer, transformBody } from './transform-body.js';
export { usableHeaders } from './usable-headers.js';
export { type RouteJudge, routedTo, tellRouted, whenRouted } from './when-routed.js';
