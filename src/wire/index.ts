/** Code that depends on undocumented parts of Node.js. Only for the other directories of Portico. */
export { batchSocket, batchWrites } from './batched-writes.js';
export { countBody, countFor } from './count-body.js';
export { GatheredBytes, holdBody, joinChunks } from './gathered-bytes.js';
export { destroyBy, destroyLeft } from './left-requests.js';
export {
  advertiseIdleTime,
  asksBeforeUpgrade,
  beforeFirstRead,
  chooseUpgrades,
  declaredLength,
  expectBody,
  isLastAnswer,
  socketUnder,
  unsentBytes,
} from './node-internals.js';
