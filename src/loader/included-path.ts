/**
 * Which file a `config:` reference means.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Origin } from '../errors/index.js';
import { strip } from '../ini/index.js';
import type { Answerer } from './context.js';
import { refuse } from './paste-error.js';
import { decodePercent } from './reference.js';

/** The absolute path. A relative one begins in the folder of the file that is asked; `\` counts as `/`. */
export function includedPath(asked: Answerer, text: string, written: string, origin: Origin | undefined): string {
  const path = decodePercent(strip(written).replaceAll('\\', '/'));
  if (isAbsolute(path)) return resolve(path);
  if (asked.form === 'file') return resolve(dirname(asked.source.path), path);
  throw refuse('bad-relative-uri', {
    message: `${JSON.stringify(text)} is relative to nothing: a distribution asks for it, not a file.`,
    hint: 'Give the whole path, or let a section of the file "use" the composite.',
    origin,
  });
}
