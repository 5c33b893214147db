/**
 * Cycles: a section met on the way to itself.
 */
import { type Trail, wayOf } from './context.js';
import { type PasteError, refuse } from './paste-error.js';

/**
 * True when the section a trail ends in was met on the way with the same kind, file, section and global_conf. With
 * another global_conf it may lead elsewhere: `get use = x` depends on it.
 *
 * A composite's child is loaded when the composite is created: inside that load, what an outer load met counts only if
 * both were asked for as they are. So a mistake further on in the child is reported, as PasteDeploy reports it.
 */
export function isCycle(trail: Trail): boolean {
  return firstMeeting(trail) !== undefined;
}

/** The error for a trail that ends where it has been, naming the sections in order. */
export function cycleError(trail: Trail): PasteError {
  const first = firstMeeting(trail);
  const names: string[] = [];
  for (let at: Trail | undefined = trail; at !== undefined; at = at.parent) {
    if (at.section !== undefined) names.push(at.section.name);
    if (at === first) break;
  }
  const steps = names.reverse();
  const shown = steps.length > 20 ? [...steps.slice(0, 19), '…', steps.at(-1)!] : steps;
  const sentence = shown.slice(1).map((name, step) => `${shown[step]} leads to ${name}`);
  return refuse('cycle', {
    message: `${sentence.join(', ')}: that is a circle.`,
    hint: 'Let one of them name something else.',
    origin: trail.reference?.place().origin,
    via: wayOf(trail.parent),
  });
}

function firstMeeting(trail: Trail): Trail | undefined {
  for (let at = trail.parent; at !== undefined; at = at.parent) {
    if (at.section !== trail.section || at.kind !== trail.kind) continue;
    if (at.phase !== trail.phase && !(at.root && trail.root)) continue;
    if (same(at.incoming, trail.incoming)) return at;
  }
  return undefined;
}

function same(a: ReadonlyMap<string, string> | undefined, b: ReadonlyMap<string, string> | undefined): boolean {
  if (a === undefined || b === undefined || a.size !== b.size) return false;
  for (const [name, value] of a) if (b.get(name) !== value) return false;
  return true;
}
