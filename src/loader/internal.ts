/** Exports for other directories of Portico, in addition to the published ones. */
export { pipelineNamed } from './composite/by-option.js';
export { tellsChildren } from './composite/children.js';
export type { CreateOptions } from './create.js';
export { unreadable } from './document.js';
export {
  type ExplainApp,
  type ExplainedStep,
  type Explanation,
  explainRequest,
  type ImaginedRequest,
} from './explain.js';
export { FILTER_ORDER, findsNoCaller } from './filter-order.js';
export { aliasBlock } from './findings.js';
export { ConfigNotFound, PasteAppNotFound, PasteError } from './paste-error.js';
export { isSectionName, openPasteFile, PasteFile } from './paste-file.js';
export { isPasteSection } from './section.js';
export { describeNode, type MountedApp, mountedApps, piped, UNDESCRIBED } from './tree.js';
export type { Walk } from './walk.js';
