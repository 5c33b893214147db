/**
 * Where one item of a list stands.
 */
import { originWithin } from '../../ini/index.js';
import { fileLocation } from '../sources/sources.js';
import type { Location } from './issue.js';
import type { Resolved } from './resolver.js';

/** The place of an item in the file that the list stands in; of one that is not written there, that of the option. */
export function locationOfItem({ written, location }: Pick<Resolved, 'written' | 'location'>, item: string): Location {
  const entry = written.at(-1)?.entry;
  if (entry === undefined || (location.kind !== 'file' && location.kind !== 'source')) return location;
  const quoted = item.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const before = new RegExp(`(?<=^|,)[\\s"']*(?=${quoted}[\\s"']*(?:,|$))`).exec(entry.value);
  if (before === null) return location;
  return fileLocation(location.kind, originWithin(entry.pieces, before.index + before[0].length));
}
