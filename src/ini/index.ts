/** Ini files with positions: two dialects on one kit. */

export {
  type ConfEntry,
  type ConfFile,
  type ConfProblem,
  type ConfProblemKind,
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
export { type OriginOwner, originAt, originWithin, type ValuePiece } from './position.js';
export { type BadByte, decodeUtf8 } from './utf8.js';
export { indentOf, isSpace, strip, stripEnd, type Word, wordsOf } from './white-space.js';
