/** Formatting of durations and counts, and of foreign text: safe to print and without secrets; values by method and path; changes of an order. */

export { type ForwardingFamily, forwardingFamily } from './forwarding-fields.js';
export { orderChanges } from './order-changes.js';
export {
  agoText,
  countText,
  escapedText,
  excerpt,
  formatDuration,
  printable,
  printableJson,
  printableLines,
} from './printable.js';
export { type RouteFinder, routeFinder } from './route-finder.js';
export {
  isSecretName,
  looksSecret,
  maskAssigned,
  masked,
  maskUndeclared,
  maskUnread,
  maskUris,
  withoutText,
} from './secrets.js';
export { shellWord } from './shell-words.js';
