/**
 * What must not be seen: secrets in dumps, errors, differences and reports.
 */

import type { Option } from '../types/option.js';
import type { Location } from './issue.js';

/** What stands in place of a secret. */
export const masked = '****';

// `key_file` and `cert_file` are paths and stay readable.
const secretNames = /(?:password|passwd|secret|token|api_key|private_key|credential)$/i;

/** True for options declared secret, and for names that can hardly mean anything else. */
export function isSecret(opt: string, option: Option | undefined): boolean {
  return option?.secret === true || ((option === undefined || isTextual(option)) && secretNames.test(opt));
}

/** True where a value must neither be interpolated nor be referred to. A declaration decides, without one the name. */
export function holdsSecret(opt: string, option: Option | undefined): boolean {
  return option === undefined ? secretNames.test(opt) : option.secret;
}

/** True where others must not read a value as it is written. A URI without user and query, `sqlite:///data.db`, tells nothing. */
export function givesAway(option: Option, text: string): boolean {
  return option.secret && (option.type !== 'uri' || /[@?]/.test(text));
}

/** The text to print for a value: `****` for a secret, URIs without their password. */
export function maskText(opt: string, option: Option | undefined, text: string): string {
  return isSecret(opt, option) ? masked : maskUris(text);
}

/** Takes the password out of every URI in a text: `amqp://rabbit:****@host/`. */
export function maskUris(text: string): string {
  return text.replaceAll(/([a-z][a-z0-9+.-]*:\/\/[^\s/:@?#]*):[^\s/@]*(?:@[^\s/@]*)*@/gi, `$1:${masked}@`);
}

/** A parsed value as text to print. */
export function maskValue(opt: string, option: Option, value: unknown): string {
  if (value === undefined) return 'none';
  return maskText(opt, option, option.format(value));
}

/** A place whose line may be shown: without the line for a secret, with URIs masked for others. */
export function maskLocation(opt: string, option: Option | undefined, location: Location): Location {
  const { origin } = location;
  if (origin?.text === undefined) return location;
  const { text, ...place } = origin;
  if (isSecret(opt, option)) return { ...location, origin: place };
  const shown = maskUris(text);
  return shown === text ? location : { ...location, origin: { ...place, text: shown } };
}

/** Numbers and booleans called `…_token` are counts and switches. */
function isTextual(option: Option): boolean {
  return ['string', 'uri', 'list', 'multi', 'dict', 'choice'].includes(option.type);
}
