/** Readers of two dialects of ini files, with locations. */

export {
  type ConfEntry,
  type ConfFile,
  type ConfSection,
  mostProblems,
  optionKey,
  readConf,
  sectionKey,
} from './conf-reader.js';
export {
  type PasteDocument,
  type PasteOption,
  type PasteProblem,
  type PasteSection,
  readPaste,
} from './paste-reader.js';
export { originAt, originOfName, originWithin, strip, type ValuePiece, type Word, wordsOf } from './position.js';
