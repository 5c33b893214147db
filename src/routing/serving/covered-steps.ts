/**
 * Comparison of steps of two routes by the segments that they match.
 */
import type { Step } from '../matching/segment-steps.js';
import { PLAIN } from '../template/template.js';

/** Reports whether every segment that `later` matches is one that `earlier` matches. */
export function coversStep(earlier: Step, later: Step): boolean {
  if (earlier.kind === 'literal') return later.kind === 'literal' && earlier.text === later.text;
  if (later.kind === 'literal') return takesText(earlier, later.text);
  if (earlier.key === later.key) return true;
  return earlier.kind === 'variable' && earlier.key === PLAIN && !isEmpty(later);
}

/** Reports whether a step may match an empty segment. */
export function isEmpty(step: Step): boolean {
  return step.kind === 'literal' ? step.text === '' : takesText(step, '');
}

/** Reports whether both match a common segment; true if that is undecidable. The list may contain false positives. */
export function stepsMeet(a: Step, b: Step): boolean {
  if (a.kind === 'literal') return b.kind === 'literal' ? a.text === b.text : takesText(b, a.text);
  return b.kind === 'literal' ? takesText(a, b.text) : true;
}

function takesText(step: Exclude<Step, { kind: 'literal' }>, text: string): boolean {
  if (step.kind === 'variable') return step.test(text, 0, text.length);
  return text.startsWith(step.head) && step.read(text, 0, text.length) !== null;
}
