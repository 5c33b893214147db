/** `portico/openstack`: conventions that OpenStack's APIs share, for APIs like them. */
export {
  type ClientPatternOptions,
  clientFlag,
  clientPattern,
  clientTime,
  isoMicros,
  isoSeconds,
} from './client-values.js';
export {
  bookmarkUrl,
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
  type ResourceLink,
  resourceLinks,
  unknownMarker,
} from './pages.js';
export {
  type DocumentAppOptions,
  documentApp,
  type VersionDocument,
  type VersionDocumentOptions,
  versionDocument,
} from './version-document.js';
