/** What rests on Node's insides; for the folders above alone. */
export { batchSocket, batchWrites } from './batched-writes.js';
export { type BodyCount, countBody, countFor } from './count-body.js';
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
