/** What other directories of Portico use of this one beside what is published. */
export { GatheredBytes } from '../wire/index.js';
export { destroyReason } from './after-response.js';
export { answeredStatus } from './answered-status.js';
export { catching } from './app.js';
export { authOptions } from './auth-strategy.js';
export { targetMask } from './client-text.js';
export { type ConcurrencyLimit, limitConcurrency, noteOriginal } from './concurrency-limit.js';
export { ACTIVE_TRACE, currentDeadline, runInRequest } from './context.js';
export { descriptionOf } from './description.js';
export {
  connectionAddress,
  connectionRemote,
  noteAddress,
  offerSignal,
  setTrace,
  traceIds,
  traceOf,
} from './environ.js';
export { type Declared, optionOrigin, type Trial, type WantedOrder } from './factory.js';
export type { LeafPlugin } from './fastify-app.js';
export { type AnswerFaultOptions, answerFault, faultOptions, ownFaultStyle } from './fault.js';
export { addForwarded, type Forwarded } from './forward-headers.js';
export { connectApp } from './from-connect.js';
export { guardPipe } from './guard-pipe.js';
export { foldHeaders, replaceRawHeaders, usableHeaders } from './headers.js';
export { overriddenMethod } from './method-override.js';
export { isOwnPatch } from './own-patches.js';
export { collectBody, tooLarge } from './read-body.js';
export { collapsed, decodePath, encodedPath, mountPath } from './request-path.js';
export type { RequestTrace, TraceIds } from './request-trace.js';
export { countAnswer, sentBytes, wrongLength } from './response-length.js';
export { type AjvOptions, createAjv, FORMATS, type SchemaDraft } from './schemas/create-ajv.js';
export { equalPair } from './schemas/json-equality.js';
export { isSecretName, jsonShown, type RefusedValue, refusedValue, tellsSecret } from './schemas/refused-value.js';
export { compiledSchema, SchemaMistake } from './schemas/schema-mistake.js';
export { isRecordLost, markDraining, tellRecordLost } from './server-state.js';
export { isUpgraded, offerUpgrade } from './upgrade.js';
export { routedTo, tellRouted, whenRouted } from './when-routed.js';
