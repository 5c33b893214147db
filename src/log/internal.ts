/** Exports for other directories of Portico, in addition to the published ones. */

export { checkedLog, silentLogger, Throttle } from './log.js';
export { json, lineParts, withErrors } from './log-arguments.js';
export {
  describeMoments,
  jsonString,
  recordWriter,
  reopenLogs,
  tellUnhandled,
  type WriteRecord,
} from './log-output.js';
export { isApplicationLogger } from './own-logger.js';
