/** Modules and packages named in configuration files: they are found from the file's folder and imported, and failures are explained. */
export { errorPages, explainedError, explainedIn, pagesOf, pagesOfError, referenceFolder } from './error-pages.js';
export {
  announcedGroups,
  ExportMissing,
  type ExportReference,
  ImportFailed,
  importExport,
  importFailure,
  importPeer,
  loadAnnounced,
  type OptionalPeer,
  parseExportReference,
  thrownAt,
} from './import-export.js';
export {
  announcedExtension,
  commandName,
  findPackage,
  isFileSpecifier,
  type Manifest,
  ModuleMissing,
  moduleUrl,
  NO_SQLITE,
  ownVersion,
  packageNames,
  packageOf,
  realPath,
  searchFolders,
  sqlitePath,
  sqliteProblem,
} from './packages.js';
