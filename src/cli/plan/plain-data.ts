/** Values of a state as JSON has them. */
import { createHmac } from 'node:crypto';
import { type Location, locationText } from '../../errors/index.js';
import type { DescribedJob } from '../../managers/index.js';
import type { JobState, OptionState, Place } from '../../plan/index.js';
import { formatDuration } from '../../text/index.js';

/** Returns a value as JSON has it. */
export function plainData<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** Returns a location as text; null for a default. */
export function placeOf(location: Location | undefined): Place {
  return location === undefined ? null : locationText(location) || null;
}

/** Returns the source of the value of an option. */
export function sourceOf(location: Location): Pick<OptionState, 'place' | 'lasting'> {
  const lasting = location.kind === 'environment' || location.kind === 'command_line';
  return { place: placeOf(location), lasting };
}

/**
 * Returns a value as it is shown; if that hides a part, with a digest that differs if the value does. `key`: the same for both states of a
 * comparison.
 */
export function shownValue(shown: string, whole: string, key: string): Pick<OptionState, 'value' | 'digest'> {
  return { value: shown, digest: shown === whole ? null : createHmac('sha256', key).update(whole).digest('base64') };
}

/** Returns a periodic task with the time between its runs. */
export function jobState({ name, spacing }: DescribedJob): JobState {
  return { name, schedule: `every ${formatDuration(spacing)}` };
}
