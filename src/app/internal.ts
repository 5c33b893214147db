/** Exports for other directories of Portico, in addition to the published ones. */

export { catching, isAsync, isThenable, type OnFailure, observed } from './app.js';
export { checkSite } from './cross-site.js';
export { entering } from './entering.js';
export {
  askRouteListeners,
  type BodyProgress,
  bodyParsed,
  collapsed,
  decodePath,
  EXCHANGE,
  Exchange,
  encodedPath,
  environFields,
  exchangeOf,
  type Forwarded,
  isAuthenticated,
  type RouteListener,
  targetOf,
  whenBodyParsed,
  whenRouted,
} from './exchange.js';
export { additionsOf, authOptions, optionOrigin } from './factory.js';
export { asFault, missed, reasonPhrase, unavailable, unvalidatedToken } from './fault.js';
export type { FaultForm } from './fault-form.js';
export { answeredStatus, answerFailure, answerFault, answering, type FailureOptions } from './faults/failed-request.js';
export { apiFaultOptions, checkFaultForm, faultOptions } from './faults/fault-options.js';
export {
  configuredFaultForm,
  faultFormFrom,
  faultFormOf,
  inFaultForm,
  isFaultStyle,
  preferredEncoding,
  preferredType,
} from './faults/fault-style.js';
export { findFile, loadSender, sendFile } from './file-sender.js';
export {
  bytesDeclared,
  checkHeader,
  cookiesOf,
  foldHeaders,
  joinVary,
  replaceRawHeaders,
  usableHeaders,
} from './header-fields.js';
export { additionsAround, callFactory, factoryLog, noteMade, runFactory } from './held-apps.js';
export {
  createFastify,
  endUpgrade,
  handTo,
  keepHeaders,
  listenerOf,
  type NotFoundHandlers,
  type NotFoundHooks,
  watchNotFound,
} from './host/fastify-app.js';
export { fastifyLog, levelOf } from './host/fastify-log.js';
export { connectApp } from './host/from-connect.js';
export { readableOf } from './host/from-fetch.js';
export { abortError, collectBody, followSignal, limitBody, offerSignal, tooLarge } from './read-body.js';
export { connectionAddress, connectionRemote, takeScheme } from './remote.js';
export { type RequestTrace, runInRequest, runOutsideRequests, type TraceIds } from './request-context.js';
export {
  bodyLengthOf,
  FIELD,
  isEncoded,
  kindOfField,
  lastFields,
  noteField,
  readField,
  readHeaders,
  removeFields,
  ServedRequest,
  seesHeadersTaken,
} from './request-fields.js';
export { LONGEST_URL, methodsOf, overriddenMethod, writtenPath } from './request-path.js';
export {
  canTry,
  endTrial,
  knowsTrials,
  Trial,
  type TrialEnd,
  type TrialNode,
  type TrialStep,
  type UnknownPart,
} from './request-trial.js';
export {
  abortReason,
  abortResponse,
  destroyReason,
  isSent,
  muteWhenEnded,
  wrongLength,
} from './response/after-response.js';
export { holdBody, setMissingHeaders } from './response/before-head.js';
export { isOwnPatch } from './response/body-parts.js';
export { beganAt, lengthError, noteBegin, sentBytes, watchPipe } from './response/response-body.js';
export { compileResponse } from './response/response-compiler.js';
export {
  defaultHeader,
  exchangeFor as countAnswer,
  isOfHeadListener,
  noteRemovals,
  ServedResponse,
  sendWhole,
} from './response/served-response.js';
export { checkAll, createAjv, equalPair, FORMATS, type SchemaDraft } from './schemas/create-ajv.js';
export {
  depthError,
  type RefusedValue,
  refusedValue,
  tellsSecret,
  valueIssues,
  withValue,
  writeOnlyNames,
} from './schemas/refused-value.js';
export { compiledSchema, NAMED_SCHEMAS, SchemaError, validateSchema } from './schemas/schema-error.js';
export {
  CACHE_CONTROL,
  CACHE_CONTROLS,
  type CacheControl,
  isDraining,
  isRecordLost,
  isUpgraded,
  offerUpgrade,
  type ServerState,
  type SlotEvent,
  type SlotState,
  type Slots,
  shareState,
} from './server-state.js';
export { type OpenedStore, openSharedStore, refuseWithoutUrl, type StoreUse } from './shared-store.js';
export { appSettled, noteOriginal, slotOf, takesOwnSlot, withSlot } from './slot.js';
