/** Exports for other directories of Portico, in addition to the published ones. */

export { checkedLog } from './check-log.js';
export { silentLogger } from './log.js';
export { describeMoments, tellUnhandled } from './moment.js';
export { isApplicationLogger } from './own-logger.js';
export { jsonString, recordWriter, type WriteRecord } from './records.js';
export { reopenLogs } from './reopening.js';
export { Throttle } from './throttle.js';
