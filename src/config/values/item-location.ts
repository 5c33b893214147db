/**
 * Where one item of a list stands.
 */
import { type Place, placeInFile } from '../../errors/index.js';
import { originWithin } from '../../ini/index.js';
import type { Resolved } from './resolver.js';

/** The place of an item in the file that the list stands in; of one that is not written there, that of the option. */
export function locationOfItem({ written, location }: Pick<Resolved, 'written' | 'location'>, item: string): Place {
  const entry = written.at(-1)?.entry;
  if (entry === undefined || (location.kind !== 'file' && location.kind !== 'source')) return location;
  const quoted = item.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const before = new RegExp(`(?<=^|,)[\\s"']*(?=${quoted}[\\s"']*(?:,|$))`).exec(entry.value);
  if (before === null) return location;
  return placeInFile(originWithin(entry.pieces, before.index + before[0].length), location.kind);
}
