/** name_check: refuses malformed and suspicious paths. */
import { environ, Fault, filterFactory, type OpenApiAdditions } from '../app/index.js';
import { LONGEST_URL } from '../app/internal.js';
import { boolean, defineOptions, type OptionsOf } from '../config/index.js';
import { writtenElsewhere } from '../config/internal.js';

const nameCheckOptions = defineOptions({
  strict: boolean({ default: false, help: 'Also refuse slashes encoded twice.' }),
});

const CHARACTERS = 'Control characters are refused, and what strict names.';

writtenElsewhere(nameCheckOptions, {
  unused: {
    forbidden_chars: CHARACTERS,
    forbidden_regexp: CHARACTERS,
    maximum_length: 'A path has at most 8,192 bytes.',
  },
});

/** Longest segment in bytes: that of a file name. */
const MAX_SEGMENT = 255;

type Limits = OptionsOf<typeof nameCheckOptions>;

/**
 * Responds with 400 to a path with control characters, invalid percent-encoding, `.` or `..` segments after decoding, or a length over the
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
  { openapi: openapiOf },
);

function openapiOf(): OpenApiAdditions {
  return { responses: { 400: { description: 'The path is refused.' } } };
}

function faultIn(target: string, { strict }: Limits): string | undefined {
  const query = target.indexOf('?');
  const raw = query < 0 ? target : target.slice(0, query);
  if (raw.length > LONGEST_URL) return `it is longer than ${LONGEST_URL} bytes`;
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
    if (Buffer.byteLength(segment) > MAX_SEGMENT) return `a part of it is longer than ${MAX_SEGMENT} bytes`;
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
