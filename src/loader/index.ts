/** `portico/loader`: apps, filters and servers from `api-paste.ini`, and the composite factories that combine them. */

export type { CheckOptions } from './check/check-file.js';
export { byOption } from './composite/by-option.js';
export { cascade } from './composite/cascade.js';
export type { Mount } from './composite/mount-table.js';
export { urlmap } from './composite/urlmap.js';
export { versionedUrlmap } from './composite/versioned-urlmap.js';
export type { Created, ServerFactory } from './create.js';
export type { ReadPasteFile } from './document.js';
export type { AwaitableFilter } from './load-context.js';
export type { LoadedApp } from './loaded-app.js';
export { type Loaded, Loader, type LoaderOptions, type ResolvedConf } from './loader.js';
export type { ListedSection } from './paste-file.js';
export type { EntryPoints, Resolver } from './resolver.js';
export type { Kind } from './section.js';
export type { ChildTree, ContextTree } from './tree.js';
