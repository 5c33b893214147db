/** What other directories of Portico use of this one beside what is published. */
export { describeMoments } from './moment.js';
export { jsonString, recordWriter, type WriteRecord } from './records.js';
