/** Formatting of durations and counts, and of foreign text: safe to print and without secrets. */

export { countText } from './count-text.js';
export { formatDuration } from './duration.js';
export { excerpt } from './excerpt.js';
export { escapedText, printable, printableJson, printableLines } from './printable.js';
export { looksSecret, maskAssigned, masked, maskUndeclared, maskUris } from './secrets.js';
