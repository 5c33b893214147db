/** Text for people: durations, counts, and what others wrote, safe to print and without its secrets. */

export { countText } from './count-text.js';
export { formatDuration } from './duration.js';
export { escapedText, printable, printableJson, printableLines } from './printable.js';
export { looksSecret, maskAssigned, masked, maskUris } from './secrets.js';
