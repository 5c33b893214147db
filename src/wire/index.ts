/** What rests on Node's insides; for the folders above alone. */
export { type BodyCount, countBody, countFor, takerOf } from './count-body.js';
export { GatheredBytes, joinChunks } from './gathered-bytes.js';
export {
  advertiseIdleTime,
  beforeFirstRead,
  declaredLength,
  fillHeaders,
  type HeadReceiver,
  headReceiver,
  isLastAnswer,
  socketUnder,
  unsentBytes,
  upgradableRequest,
} from './node-internals.js';
export { proveWire } from './proof.js';
export { emitMissedEnd, endEmptyBody } from './request-end.js';
export { type BodyReader, takeBody } from './take-body.js';
