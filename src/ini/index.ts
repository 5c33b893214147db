/** Ini files with positions: two dialects on one kit. */
export { caretUnder, type OriginOwner, originAt, originWithin, type ValuePiece } from './position.js';
