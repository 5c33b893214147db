/**
 * Files as responses. They are found here, and sent by the package send, which is loaded with the first of them: its own search calls the
 * response in a callback of `fs.stat`, where an error of the head would end the process.
 */
import type { Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { isAuthenticated } from './exchange.js';
import { lastHeader } from './response/before-head.js';
import { watchPipe } from './response/response-body.js';

/** A regular file, or a directory. */
export interface FoundFile {
  /** After symbolic links. */
  readonly path: string;
  readonly stats: Stats;
}

/**
 * Returns what is at a path; undefined if that is neither a regular file nor a directory, or is out of reach. `root`: the real path of a
 * directory, below which the path is, also after symbolic links; names that begin with a dot are not found there.
 */
export async function findFile(path: string, root?: string): Promise<FoundFile | undefined> {
  const whole = root === undefined ? path : join(root, path);
  const names = root === undefined ? [] : relative(root, whole).split(sep);
  // Also `..`, which leads out of the root.
  if (whole.includes('\0') || names.some((name) => name.startsWith('.'))) return undefined;
  try {
    const real = await realpath(whole);
    const isInside = root === undefined || relative(root, real).split(sep)[0] !== '..';
    const stats = await stat(real);
    // To open a fifo would block a thread of libuv until something writes to it.
    return isInside && (stats.isFile() || stats.isDirectory()) ? { path: real, stats } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Loads the package that sends files. A filter that serves files does so at the start, because the packages on disk may be others at its first
 * request; it takes 20 ms and 3 MiB, so that an app loads it with its first file.
 */
export async function loadSender(): Promise<typeof import('send')> {
  return (await import('send')).default;
}

/**
 * Sends a regular file, with its type by its name, `Last-Modified`, `ETag`, conditional requests and ranges. `maxAge`: seconds for which caches
 * may keep it, the caller's own if the caller is known; 0 leaves that to filters. Resolves when the response is closed; rejects with what
 * has to be answered instead: an error with the status 412 or 416, or one of the file or the head.
 */
export async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  { path, stats }: FoundFile,
  maxAge: number,
): Promise<void> {
  const send = await loadSender();
  // Meanwhile its client has left, or another response was sent.
  if (res.closed || res.writableEnded) return;
  const cacheControl = `${isAuthenticated(req) ? 'private, ' : ''}max-age=${Math.floor(maxAge)}`;
  if (maxAge === 0) lastHeader(res, 'cache-control', cacheControl);
  else if (!res.hasHeader('cache-control')) res.setHeader('cache-control', cacheControl);
  // A part of a file is a part of a 200 only, and of GET (RFC 9110 §14.2).
  if (res.statusCode === 200 && !res.hasHeader('accept-ranges')) res.setHeader('accept-ranges', 'bytes');
  const acceptRanges = res.statusCode === 200 && req.method === 'GET' && isRangeFresh(req, res, stats);
  const sender = Object.assign(send(req, path, { cacheControl: false, acceptRanges }), { res });
  await new Promise<void>((settle, fail) => {
    watchPipe(res, fail);
    res.once('close', settle);
    sender.on('error', (error) => {
      // Reading may fail behind the head too.
      if (!res.headersSent) res.removeHeader('cache-control');
      fail(error);
    });
    sender.send(path, stats);
  });
}

/**
 * Reports whether `If-Range` lets a range apply: it has the strong ETag of the application, or the exact `Last-Modified` (RFC 9110
 * §13.1.5). The package compares weakly, also its own ETags, which are weak.
 */
function isRangeFresh({ headers }: IncomingMessage, res: ServerResponse, { mtime }: Stats): boolean {
  const validator = headers['if-range'] as string | undefined;
  if (validator === undefined || validator === (res.getHeader('last-modified') ?? mtime.toUTCString())) return true;
  return validator.startsWith('"') && validator === res.getHeader('etag');
}
