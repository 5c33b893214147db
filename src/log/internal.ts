/** Exports for other directories of Portico, in addition to the published ones. */
export { describeMoments, requestOfMoment } from './moment.js';
export { checkLog } from './own-logger.js';
export { jsonString, recordWriter, type WriteRecord } from './records.js';
export { reopenLogs } from './reopening.js';
