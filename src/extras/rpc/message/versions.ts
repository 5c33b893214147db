/**
 * Versions of interfaces, `major.minor` or `major.minor.revision`, compared as numbers: 1.10 is above 1.9.
 */
import { InvalidTarget } from '../errors.js';

type Version = readonly [major: number, minor: number, revision: number];

/** Default version of a request, and of an endpoint. */
export const FIRST_VERSION = '1.0';

/**
 * Reports whether an implementation of one version supports another: the same major, no higher minor, and for the same minor no higher
 * revision. False if `asked` is not a version.
 */
export function isCompatible(implemented: string, asked: string): boolean {
  const [has, wants] = [read(implemented), read(asked)];
  if (has === undefined || wants === undefined) return false;
  if (has[0] !== wants[0]) return false;
  return wants[1] < has[1] || (wants[1] === has[1] && wants[2] <= has[2]);
}

/** Reports whether a text is a version. */
export function isVersion(text: string): boolean {
  return read(text) !== undefined;
}

/** Throws `InvalidTarget` for a text that is not a version. `what`: its owner, for the message. */
export function checkVersion(what: string, version: string): void {
  if (isVersion(version)) return;
  throw new InvalidTarget({
    message: `${what}: ${JSON.stringify(version)} is not a version`,
    hint: 'Write major.minor, such as 1.0, or major.minor.revision.',
  });
}

/** Returns the first version of a version's major. */
export function firstOfMajor(version: string): string {
  return `${version.split('.')[0]}.0`;
}

function read(text: string): Version | undefined {
  const match = /^(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?$/.exec(text);
  return match === null ? undefined : [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
}
