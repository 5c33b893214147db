/** Modules and packages as a configuration file names them: found from its folder, imported, and why they cannot be. */
export {
  ExportMissing,
  type ExportReference,
  fileOfOwnExport,
  ImportFailed,
  importExport,
  parseExportReference,
} from './import-export.js';
export { importFailure, thrownAt } from './import-failure.js';
export { ModuleMissing, moduleUrl } from './module-url.js';
export { importPeer } from './optional-peer.js';
export {
  findPackage,
  type Manifest,
  packageNames,
  packageOf,
  packagesFrom,
  realPath,
  searchFolders,
} from './packages.js';
