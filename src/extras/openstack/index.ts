/** `portico/openstack`: conventions shared by OpenStack's APIs, for similar APIs. */
export {
  type ClientPatternOptions,
  clientFlag,
  clientPattern,
  clientTime,
  isoMicros,
  isoSeconds,
} from './client-values.js';
export {
  type CollectionPage,
  type CollectionPageOptions,
  collectionPage,
  type LinkRequester,
  type PageOptions,
  type PageRequest,
  type PageRequester,
  pageRequest,
  type ResourceLink,
  resourceLinks,
} from './pages.js';
export {
  type DocumentAppOptions,
  documentApp,
  type VersionDocument,
  type VersionDocumentOptions,
  versionDocument,
} from './version-document.js';
