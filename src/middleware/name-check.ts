/** name_check: refuses malformed and suspicious paths. */
import type { IncomingMessage } from 'node:http';
import { type Description, environ, Fault, filterFactory } from '../app/index.js';
import { boolean, defineOptions, integer, type OptionsOf } from '../config/index.js';

const nameCheckOptions = defineOptions({
  max_length: integer({ default: 8192, min: 1, help: 'Maximum length of the path as sent, in bytes.', advanced: true }),
  max_segment_length: integer({
    default: 255,
    min: 1,
    help: 'Maximum length of a path segment, in bytes.',
    advanced: true,
  }),
  strict: boolean({ default: false, help: 'Also refuse slashes encoded twice.' }),
});

type Limits = OptionsOf<typeof nameCheckOptions>;

/**
 * Answers 400 to a path with control characters, invalid percent-encoding, `.` or `..` segments after decoding, or a length over the
 * limits. Checks the target as received, which is decoded exactly once.
 */
export const nameCheck = filterFactory(
  'name_check',
  nameCheckOptions,
  (options) => (app) => (req, res) => {
    const reason = faultIn(environ(req).originalUrl, options);
    if (reason !== undefined) throw new Fault(400, { message: `The path is refused: ${reason}.` });
    return app(req, res);
  },
  { describe },
);

function describe(options: Limits, req?: IncomingMessage): Description {
  const reason = req === undefined ? undefined : faultIn(environ(req).originalUrl, options);
  if (reason !== undefined) return { does: `answers 400: ${reason}`, answers: 400 };
  return {
    does: req === undefined ? 'answers 400 to malformed and suspicious paths' : 'finds nothing wrong with the path',
    openapi: { responses: { 400: { description: 'The path is refused.' } } },
  };
}

function faultIn(target: string, { maxLength, maxSegmentLength, strict }: Limits): string | undefined {
  const query = target.indexOf('?');
  const raw = query < 0 ? target : target.slice(0, query);
  if (raw.length > maxLength) return `it is longer than ${maxLength} bytes`;
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return 'its percent-encoding is invalid';
  }
  if (hasControls(path)) return 'it has control characters';
  if (strict && /%(?:25)*2f/i.test(path)) return 'it has a slash that is encoded twice';
  for (const segment of path.split('/')) {
    if (segment === '.' || segment === '..') return 'it has dot segments';
    if (Buffer.byteLength(segment) > maxSegmentLength) return `a part of it is longer than ${maxSegmentLength} bytes`;
  }
  return undefined;
}

function hasControls(path: string): boolean {
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
