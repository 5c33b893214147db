/** `portico/openstack`: conventions that OpenStack's APIs share, for APIs like them. */
export { type ClientPatternOptions, clientFlag, clientPattern } from './client-values.js';
export {
  type CollectionPageOptions,
  collectionPage,
  cutPage,
  type Page,
  type PageLink,
  type PageOptions,
  type PageRequest,
  type PageRequester,
  pageOf,
  pageRequest,
  unknownMarker,
} from './pages.js';
export { bookmarkUrl, type ResourceLink, resourceLinks } from './resource-links.js';
export { clientTime, isoMicros, isoSeconds } from './times.js';
export {
  type DocumentAppOptions,
  documentApp,
  type VersionDocument,
  type VersionDocumentOptions,
  versionDocument,
} from './version-document.js';
