/**
 * The forms of a reference, as written after `use`, in a pipeline and at a mount.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Origin } from '../errors/index.js';
import { strip } from '../ini/index.js';
import { realPath } from '../modules/index.js';
import { PasteError } from './paste-error.js';

/** A parsed reference: a name in the same file, or a URI. */
export type ParsedReference =
  | { readonly form: 'name'; readonly name: string }
  | { readonly form: 'config'; readonly path: string; readonly name: string }
  | { readonly form: 'egg'; readonly distribution: string; readonly name: string }
  | { readonly form: 'call'; readonly expression: string }
  | { readonly form: 'unknown'; readonly scheme: string };

/**
 * Parses a reference. It is a URI if it starts with ASCII letters and a colon: `v2:x` and `my-app:x` are names, `app:x` and `C:/x.ini`
 * are unknown schemes. The name is the text after the first `#`, default `main`.
 */
export function parseReference(text: string): ParsedReference {
  const scheme = /^[a-zA-Z]+(?=:)/.exec(text)?.[0];
  if (scheme === undefined) return { form: 'name', name: text };
  const hash = text.indexOf('#');
  const rest = text.slice(scheme.length + 1, hash < 0 ? undefined : hash);
  const name = hash < 0 ? 'main' : text.slice(hash + 1);
  switch (scheme.toLowerCase()) {
    case 'config':
      return { form: 'config', path: rest, name };
    case 'egg':
      return { form: 'egg', distribution: rest, name };
    case 'call':
      // Without an export before the "#", the text after it is the export (`module#export`); otherwise it is ignored.
      return { form: 'call', expression: /:[^/]*$/.test(rest) ? rest : text.slice(scheme.length + 1) };
    default:
      return { form: 'unknown', scheme: scheme.toLowerCase() };
  }
}

/**
 * Reports whether a name without a section is a module and an export, `package/subpath:export` or `./file.js:export`: it means the same
 * as with `call:` in front.
 */
export function isModuleReference(text: string): boolean {
  return /^(?:\.{1,2}\/|@?[\w.-]+\/)\S*[:#][\p{ID_Continue}$.]+$/u.test(text);
}

/**
 * Returns the file that the path `written` of the reference `text` means, relative to the folder of the file `from`. Throws for a
 * relative path if `from` is undefined, because the reference is in no file. `\` counts as `/`. As in PasteDeploy, a path is absolute
 * only if its first character is `/`, and only trailing blanks are dropped.
 */
export function includedPath(from: string | undefined, text: string, written: string, origin?: Origin): string {
  const path = strip(`/${decodePercent(written.replaceAll('\\', '/'))}`);
  if (isAbsolute(written)) return withoutDots(path);
  if (from !== undefined) return withoutDots(dirname(from) + path);
  throw new PasteError('PORTICO_PASTE_BAD_RELATIVE_URI', {
    message: `${JSON.stringify(text)} is relative to no file, because a distribution refers to it.`,
    hint: 'Write an absolute path, or let a section of the file "use" the composite.',
    origin,
  });
}

/**
 * Returns an absolute path without `.` and `..`. As for the operating system, `..` after a symbolic link is the folder above the target
 * of the link. The path goes through the target only if its text alone would lead to another folder.
 */
function withoutDots(path: string): string {
  const shortened = resolve(path);
  if (!path.includes('/../')) return shortened;
  const followed = path
    .split('/')
    .reduce((above, name) => (name === '..' ? dirname(realPath(above)) : join(above, name)), '/');
  return realPath(dirname(followed)) === realPath(dirname(shortened)) ? shortened : followed;
}

/** Decodes percent escapes once, as UTF-8. A malformed escape is kept, a malformed sequence becomes U+FFFD. */
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
