/** Exports for other directories of Portico, in addition to the published ones. */
export { pipelineNamed } from './composite/by-option.js';
export type { CreatedNode, CreateOptions } from './create.js';
export { unreadable } from './document.js';
export type { NamedFactory } from './factories.js';
export { bundledParts, findsNoCaller } from './filter-order.js';
export { aliasBlock } from './findings.js';
export { factoriesOf } from './loader.js';
export type { MadeApps } from './made-apps.js';
export { ConfigNotFound, PasteAppNotFound, PasteError } from './paste-error.js';
export { isSectionName, openPasteFile, PasteFile } from './paste-file.js';
export { isPasteSection } from './section.js';
export { additionsOfNode, type MountedApp, mountedApps, piped } from './tree.js';
export type { Walk } from './walk.js';
