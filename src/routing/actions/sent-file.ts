/**
 * Sends a file as the response, by the package send: ranges, conditional requests, types.
 */
import { realpath } from 'node:fs/promises';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { basename, dirname, resolve, sep } from 'node:path';
import { Fault } from '../../app/index.js';
import { fileFault, fileSender, foldHeaders } from '../../app/internal.js';

/** Options of a file as a response. */
export interface FileOptions {
  /** Directory that the file must be in, also after symbolic links; `path` is relative to it. Default: any file. */
  readonly root?: string | undefined;
  /** True saves it under its name, a text under that name (`Content-Disposition: attachment`). Default: shown by the browser. */
  readonly download?: boolean | string | undefined;
  /** Media type. Default: by the ending of the name. */
  readonly type?: string | undefined;
  /** Seconds for which caches may keep it. Default 0: they ask each time. */
  readonly maxAge?: number | undefined;
  /** Further headers. Default: none. */
  readonly headers?: OutgoingHttpHeaders | undefined;
}

/** Sends the file; resolves when it is sent, or the client has left. Throws a `Fault`: 404 without such a file, 412, 416. */
export async function sendFile(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  path: string,
  { root, download = false, type, maxAge = 0, headers = {} }: FileOptions,
): Promise<void> {
  const file = await found(path, root);
  const send = await fileSender();
  const all = Object.entries(headers);
  if (type !== undefined) all.push(['content-type', type]);
  if (download !== false) all.push(['content-disposition', attachment(download === true ? basename(path) : download)]);
  foldHeaders(res, Object.fromEntries(all.filter(([, value]) => value !== undefined)));
  // A part of a file is a part of a 200 only (RFC 9110 §14.2).
  const acceptRanges = res.statusCode === 200;
  const names = { root: dirname(file), dotfiles: 'allow' as const, index: false as const };
  const settings = { ...names, acceptRanges, maxAge: maxAge * 1000 };
  await new Promise<void>((settle, fail) => {
    send(req, encodeURIComponent(basename(file)), settings)
      .on('directory', () => fail(absent()))
      .on('error', (error: Error & { readonly status?: number }) => {
        if (res.headersSent) {
          res.destroy(error);
          return settle();
        }
        for (const name of ['content-disposition', 'content-type', 'etag', 'last-modified', 'cache-control'])
          res.removeHeader(name);
        return fail(error.status === 404 ? absent() : fileFault(error, res));
      })
      .pipe(res);
    res.once('close', settle);
  });
}

/** Returns the file after symbolic links. Throws 404 for a name that begins with a dot, and for a file outside the root. */
async function found(path: string, root: string | undefined): Promise<string> {
  if (path.includes('\0')) throw absent();
  if (root === undefined) return resolve(path);
  const [base, file] = await Promise.all([realpath(root), realpath(resolve(root, `./${path}`)).catch(() => undefined)]);
  const isHidden = path.split(/[/\\]/).some((part) => part.startsWith('.') && part !== '.');
  if (file === undefined || isHidden || !file.startsWith(base.endsWith(sep) ? base : base + sep)) throw absent();
  return file;
}

function absent(): Fault {
  return new Fault(404, { message: 'The file could not be found.' });
}

/** Returns the header with the name in ASCII, and in UTF-8 if it differs (RFC 6266 §4.3). */
function attachment(name: string): string {
  const plain = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const text = `attachment; filename="${plain}"`;
  if (plain === name) return text;
  const encoded = encodeURIComponent(name).replace(
    /['()*]/g,
    (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${text}; filename*=UTF-8''${encoded}`;
}
