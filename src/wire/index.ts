/** Code that depends on undocumented parts of Node.js. Only for the other directories of Portico. */
export { batchSocket, batchWrites } from './batched-writes.js';
export { countBody, countFor, GatheredBytes, holdBody, joinChunks } from './gathered-bytes.js';
export { moveListener } from './moved-listener.js';
export {
  advertiseIdleTime,
  beforeFirstRead,
  declaredLength,
  destroyBy,
  destroyLeft,
  expectBody,
  failBody,
  headReceiver,
  isLastAnswer,
  socketUnder,
  unsentBytes,
} from './node-internals.js';
