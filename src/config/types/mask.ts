/**
 * Masks secrets in dumps, errors, differences and reports.
 */

import type { Place } from '../../errors/index.js';
import { looksSecret, maskAssigned, masked, maskUris } from '../../text/index.js';
import type { Option } from './option.js';

/** True for options declared secret, and for names that can hardly mean anything else. */
export function isSecret(opt: string, option: Option | undefined): boolean {
  return option?.secret === true || ((option === undefined || isTextual(option)) && looksSecret(opt));
}

/** True where others must not read a value as it is written. A URI without user and query, `sqlite:///data.db`, tells nothing. */
export function givesAway(option: Option, text: string): boolean {
  return option.secret && (option.type !== 'uri' || /[@?]/.test(text));
}

/** The text to print for a value: `****` for a secret, URIs without their password. */
export function maskText(opt: string, option: Option | undefined, text: string): string {
  return isSecret(opt, option) ? masked : maskUris(text);
}

/** A parsed value as text to print. */
export function maskValue(opt: string, option: Option, value: unknown): string {
  if (value === undefined) return 'none';
  return maskText(opt, option, option.format(value));
}

/**
 * A place whose line may be shown: without the line for a secret, with URIs masked for others, and without its value for an
 * option that is not declared.
 */
export function maskLocation(opt: string, option: Option | undefined, location: Place): Place {
  const { origin } = location;
  if (origin?.text === undefined) return location;
  const { text, ...place } = origin;
  if (isSecret(opt, option)) return { ...location, origin: place };
  const shown = option === undefined ? maskAssigned(text) : maskUris(text);
  return shown === text ? location : { ...location, origin: { ...place, text: shown } };
}

/** Numbers and booleans called `…_token` are counts and switches; the words of a choice are in its help. */
function isTextual(option: Option): boolean {
  return ['string', 'uri', 'list', 'multi', 'dict'].includes(option.type);
}
