/** Exports for other directories of Portico, beside the published ones. */
export { reopenLogs } from './log.js';
export { describeMoments } from './moment.js';
export { jsonString, recordWriter, type WriteRecord } from './records.js';
