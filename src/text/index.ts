/** Text that others wrote: safe to print, and without its secrets. */
export { escapedText, printable, printableJson, printableLines } from './printable.js';
export { looksSecret, masked, maskUris } from './secrets.js';
