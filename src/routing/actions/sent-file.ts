/** A file as the result of an action. */
import { realpath } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { basename, resolve } from 'node:path';
import { Fault } from '../../app/index.js';
import { findFile, foldHeaders, sendFile } from '../../app/internal.js';

/** Options of a file as a response. */
export interface FileOptions {
  /** Directory that the file must be in, also after symbolic links; `path` is relative to it. Default: any file. */
  readonly root?: string | undefined;
  /** True saves it under its name, a text under that name (`Content-Disposition: attachment`). Default: shown by the browser. */
  readonly download?: boolean | string | undefined;
  /** Media type. Default: by the ending of the name. */
  readonly type?: string | undefined;
  /** Seconds for which caches may keep it; only the caller's own if a filter has authenticated the caller. Default 0: they ask each time. */
  readonly maxAge?: number | undefined;
  /** Further headers. Default: none. */
  readonly headers?: OutgoingHttpHeaders | undefined;
}

/** Sends the file; resolves when it is sent, or the client has left. Throws a `Fault`: 404 without such a file. Rejects like `sendFile`. */
export async function replyFile(
  { req, response: res }: { readonly req: IncomingMessage; readonly response: ServerResponse },
  path: string,
  { root, download = false, type, maxAge = 0, headers = {} }: FileOptions,
): Promise<void> {
  const file = await (root === undefined ? findFile(resolve(path)) : findFile(path, await realpath(root)));
  if (file?.stats.isFile() !== true) throw new Fault(404, { message: 'The file could not be found.' });
  const all = Object.entries(headers);
  if (type !== undefined) all.push(['content-type', type]);
  if (download !== false) all.push(['content-disposition', attachment(download === true ? basename(path) : download)]);
  foldHeaders(res, Object.fromEntries(all.filter(([, value]) => value !== undefined)));
  await sendFile(req, res, file, maxAge);
}

/** Returns the header with the name in ASCII, and in UTF-8 if it differs (RFC 6266 §4.3). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/gu, '_');
  const text = `attachment; filename="${plain}"`;
  if (plain === name) return text;
  // The Buffer replaces half a surrogate pair, which encodeURIComponent refuses.
  const encoded = encodeURIComponent(Buffer.from(name).toString()).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${text}; filename*=UTF-8''${encoded}`;
}
