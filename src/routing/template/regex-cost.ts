/**
 * Requirements that take long on long repetitive input: what a client could send to keep the process busy.
 */

import type { CompiledRoute } from '../matching/compiled-route.js';
import { translateRegex } from './python-regex.js';

/** A requirement that is too slow. */
export interface SlowRequirement {
  readonly compiled: CompiledRoute;
  readonly variable: string;
  readonly requirement: string;
  /** How long the input was, in characters, and how long it took. */
  readonly length: number;
  readonly milliseconds: number;
}

/** More than this is too slow. */
const LIMIT_MS = 5;
const LONGEST = 8192;

/**
 * Runs every requirement on repetitive input of growing length, up to 8 KiB, and stops at the first that takes more
 * than 5 ms: an expression that backtracks without end is found while it is still quick. `now` is a clock in
 * milliseconds.
 */
export function slowRequirements(routes: readonly CompiledRoute[], now: () => number): SlowRequirement[] {
  const slow: SlowRequirement[] = [];
  const known = new Map<string, { length: number; milliseconds: number } | null>();
  for (const compiled of routes) {
    for (const [variable, requirement] of Object.entries(compiled.route.requirements)) {
      let found = known.get(requirement);
      if (found === undefined) {
        found = measure(requirement, now);
        known.set(requirement, found);
      }
      if (found !== null && compiled.route.variables.has(variable))
        slow.push({ compiled, variable, requirement, ...found });
    }
  }
  return slow;
}

function measure(requirement: string, now: () => number): { length: number; milliseconds: number } | null {
  const regex = new RegExp(`^(?:${translateRegex(requirement).source})$`, 'v');
  for (const unit of repetitiveUnits(requirement)) {
    for (let length = 8; length <= LONGEST; length = length < 32 ? length + 2 : length * 2) {
      const input = `${unit.repeat(Math.ceil(length / unit.length)).slice(0, length)}\u0001`;
      const milliseconds = timeOf(() => regex.test(input), now);
      if (milliseconds > LIMIT_MS) return { length, milliseconds };
    }
  }
  return null;
}

/** The best of three where the first is too slow: another process may have been in the way. */
function timeOf(run: () => void, now: () => number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3 && best > LIMIT_MS; attempt++) {
    const start = now();
    run();
    best = Math.min(best, now() - start);
  }
  return best;
}

/** What to repeat: usual characters, and the text that is in the expression itself. */
function repetitiveUnits(requirement: string): string[] {
  const own = requirement.match(/[A-Za-z0-9_]+/g) ?? [];
  return [...new Set(['a', '0', '-', '.', 'a.', 'ab', 'a-', ' ', ...own.slice(0, 8)])];
}
