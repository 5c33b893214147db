/** Exports for other directories of Portico, in addition to the published ones. */

export { checkedLog } from './check-log.js';
export { silentLogger } from './log.js';
export { reopenLogs } from './log-output.js';
export { describeMoments, jsonString, recordWriter, tellUnhandled, type WriteRecord } from './log-records.js';
export { isApplicationLogger } from './own-logger.js';
export { Throttle } from './throttle.js';
