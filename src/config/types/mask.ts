/**
 * Masks secrets in dumps, errors, differences and reports.
 */

import type { Location } from '../../errors/index.js';
import { looksSecret, maskAssigned, masked, maskUris } from '../../text/index.js';
import type { Option } from './option.js';

/** Reports whether an option is declared secret, or its name implies it. */
export function isSecret(opt: string, option: Option | undefined): boolean {
  return option?.secret === true || ((option === undefined || isTextual(option)) && looksSecret(opt));
}

/** Reports whether others must not read a written value. A URI without user and secrets in its query, `sqlite:///data.db`, reveals nothing. */
export function givesAway(option: Option, text: string): boolean {
  return option.secret && (option.type !== 'uri' || text.includes('@') || maskUris(text) !== text);
}

/** Text of a URI whose password, if it has one, is certainly all that is secret: `user:password@host`, or hosts with ports. */
const PLAIN_URI =
  /^[a-z][a-z0-9+.-]*:\/\/(?:[^\s:/?#@]+:.*@)?[^\s:/?#@]*(?::\d{1,5})?(?:,[^\s:/?#@]*(?::\d{1,5})?)*(?:[/?#][^\s@]*)?$/i;

/** Returns the printable text of a value: `****` for a secret, URIs without their password. */
export function maskText(opt: string, option: Option | undefined, text: string): string {
  const isHidden = isSecret(opt, option) && !(option?.type === 'uri' && PLAIN_URI.test(text));
  return isHidden ? masked : maskUris(text);
}

/** Returns the printable text of a parsed value. */
export function maskValue(opt: string, option: Option, value: unknown): string {
  if (value === undefined) return 'none';
  return maskText(opt, option, option.format(value));
}

/**
 * Returns a location that is safe to show: without its line for a secret, with masked URIs for other options, and without the value of an
 * option that is not declared.
 */
export function maskLocation(opt: string, option: Option | undefined, location: Location): Location {
  const { origin } = location;
  if (origin?.text === undefined) return location;
  const { text, ...place } = origin;
  if (isSecret(opt, option)) return { ...location, origin: place };
  const shown = option === undefined ? maskAssigned(text) : maskUris(text);
  return shown === text ? location : { ...location, origin: { ...place, text: shown } };
}

/** Numbers and booleans named `…_token` are counts and switches; the values of a choice are in its help. */
function isTextual(option: Option): boolean {
  return ['string', 'uri', 'list', 'multi', 'dict'].includes(option.type);
}
