/** Text compared and measured as Python does: by code points, not by UTF-16 units. */

/** Order by code points. */
export function byCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let at = 0; at < shorter; at++) {
    if (a.charCodeAt(at) !== b.charCodeAt(at)) return weight(a.charCodeAt(at)) - weight(b.charCodeAt(at));
  }
  return a.length - b.length;
}

/** Length in code points. */
export function codePointLength(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) if (text.codePointAt(at)! > 0xffff) length--;
  return length;
}

/** Surrogates stand for code points above all others. */
function weight(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
