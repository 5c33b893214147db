/**
 * The forms of a reference, as written after `use`, in a pipeline and at a mount.
 */
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Origin } from '../errors/index.js';
import { strip } from '../ini/index.js';
import { PasteError } from './paste-error.js';

/** A reference taken apart: a name of the same file, or a URI. */
export type ParsedReference =
  | { readonly form: 'name'; readonly name: string }
  | { readonly form: 'config'; readonly path: string; readonly name: string }
  | { readonly form: 'egg'; readonly distribution: string; readonly name: string }
  | { readonly form: 'call'; readonly expression: string }
  | { readonly form: 'unknown'; readonly scheme: string };

/**
 * A reference is a URI when it starts with ASCII letters and a colon; so `v2:x` and `my-app:x` are names, and `app:x`
 * and `C:/x.ini` are unknown schemes. The name is what follows the first `#`, without one `main`.
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
      // Before a "#" without an export, `module#export` is meant; otherwise what follows it is ignored.
      return { form: 'call', expression: /:[^/]*$/.test(rest) ? rest : text.slice(scheme.length + 1) };
    default:
      return { form: 'unknown', scheme: scheme.toLowerCase() };
  }
}

/**
 * Whether a name that no section has is a module and an export, `package/subpath:export` or `./file.js:export`: that
 * means the same as with `call:` in front.
 */
export function isModuleReference(text: string): boolean {
  return /^(?:\.{1,2}\/|@?[\w.-]+\/)\S*[:#][\p{ID_Continue}$.]+$/u.test(text);
}

/**
 * The file that `written` means, the path of the reference `text`: relative to the folder of `from`, the file that is
 * asked. Undefined: a distribution is asked. `\` counts as `/`. As in PasteDeploy, a path is absolute only if it is
 * written with a `/` at its very beginning, and blanks are dropped at its end alone.
 */
export function includedPath(from: string | undefined, text: string, written: string, origin?: Origin): string {
  const path = strip(`/${decodePercent(written.replaceAll('\\', '/'))}`);
  if (isAbsolute(written)) return resolve(path);
  if (from !== undefined) return resolve(dirname(from) + path);
  throw new PasteError('PORTICO_PASTE_BAD_RELATIVE_URI', {
    message: `${JSON.stringify(text)} is relative to no file, because a distribution refers to it.`,
    hint: 'Write an absolute path, or let a section of the file "use" the composite.',
    origin,
  });
}

/** Percent escapes decoded once, as UTF-8. A malformed escape stays as it is, a malformed sequence becomes U+FFFD. */
function decodePercent(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (escapes) =>
    Buffer.from(escapes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
