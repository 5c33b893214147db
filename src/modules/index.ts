/** Modules and packages as a configuration file names them: found from its folder, imported, and why they cannot be. */
export { errorPages, explainedError, explainedIn, pagesOf, pagesOfError, referenceFolder } from './error-pages.js';
export {
  ExportMissing,
  type ExportReference,
  fileOfOwnExport,
  ImportFailed,
  importExport,
  importPeer,
  parseExportReference,
} from './import-export.js';
export { importFailure, thrownAt } from './import-failure.js';
export {
  findPackage,
  type Manifest,
  ModuleMissing,
  moduleUrl,
  ownVersion,
  packageNames,
  packageOf,
  realPath,
  searchFolders,
} from './packages.js';
