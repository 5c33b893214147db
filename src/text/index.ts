/** Text for people: durations, and what others wrote, safe to print and without its secrets. */
export { formatDuration } from './duration.js';
export { escapedText, printable, printableJson, printableLines } from './printable.js';
export { looksSecret, maskAssigned, masked, maskUris } from './secrets.js';
