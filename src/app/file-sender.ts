/**
 * Files as responses. They are found and opened here, and sent by the package send, which is loaded with the first of them: its own search calls
 * the response in a callback of `fs.stat`, where an error of the headers would end the process, and it opens a file by its path after it has
 * declared its length.
 */
import { close, constants, createReadStream, fstat, open, type Stats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { isAuthenticated } from './exchange.js';
import { lastHeader } from './response/before-head.js';
import { watchPipe } from './response/response-body.js';
import { dropHeader } from './response/served-response.js';

/** A regular file, or a directory. */
export interface FoundFile {
  /** After symbolic links. */
  readonly path: string;
  readonly stats: Stats;
  /** The path whose name has its type. Default: `path`. */
  readonly name?: string;
}

const SEPARATOR = sep === '/' ? sep : /[/\\]/;

/**
 * Returns what is at a path; undefined if that is neither a regular file nor a directory, or is out of reach. `root`: the real path of a
 * directory, below which the path is, also after symbolic links; names that begin with a dot are not found there, nor are dot segments, which
 * would lead behind the rules for another path.
 */
export async function findFile(path: string, root?: string): Promise<FoundFile | undefined> {
  // Of the path as it is written: `join` resolves dot segments.
  const names = root === undefined ? [] : path.split(SEPARATOR);
  if (path.includes('\0') || names.some((name) => name.startsWith('.'))) return undefined;
  const whole = root === undefined ? path : join(root, path);
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
export async function loadSender(): Promise<void> {
  await sender();
}

/** Its type is in no published declaration, because the package has none for it. */
const sender = async () => (await import('send')).default;

/**
 * Sends a regular file, with its type by its name, `Last-Modified`, `ETag`, conditional requests and ranges. `maxAge`: seconds for which caches
 * may keep it, the caller's own if the caller is known; 0 leaves that to filters. Resolves when the response is closed; rejects with what
 * has to be sent instead: an error with the status 412 or 416, or one of the file or the headers.
 */
export async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  { path, stats, name = path }: FoundFile,
  maxAge: number,
): Promise<void> {
  const send = await sender();
  // Meanwhile its client has left, or another response was sent.
  if (res.closed || res.writableEnded) return;
  const cacheControl = `${isAuthenticated(req) ? 'private, ' : ''}max-age=${Math.floor(maxAge)}`;
  if (maxAge === 0) lastHeader(res, 'cache-control', cacheControl);
  else if (!res.hasHeader('cache-control')) res.setHeader('cache-control', cacheControl);
  // A part of a file is a part of a 200 only, and of GET (RFC 9110 §14.2).
  if (res.statusCode === 200 && !res.hasHeader('accept-ranges')) res.setHeader('accept-ranges', 'bytes');
  const { statusCode } = res;
  const before = new Set(res.getHeaderNames());
  await new Promise<void>((settle, fail) => {
    watchPipe(res, fail);
    res.once('close', settle);
    const failed = (error: Error): void => {
      // Reading may fail behind the headers too.
      if (!res.headersSent) dropHeader(res, 'cache-control');
      fail(error);
    };
    const pass = (fd: number, range: object): void => {
      const file = createReadStream('', { ...range, fd });
      res.once('close', () => file.destroy());
      file.on('error', failed).pipe(res);
    };
    // `open`: the descriptor of what was found, if it is open already.
    const begin = (found: Stats, open = -1): void => {
      const acceptRanges = statusCode === 200 && req.method === 'GET' && isRangeFresh(req, res, found);
      const sender = Object.assign(send(req, name, { cacheControl: false, acceptRanges }), { res });
      sender.on('error', failed);
      let asks = false;
      // The package has set the headers by `found`, and asks for the bytes.
      sender.stream = (_name, range = {}) => {
        asks = true;
        if (open >= 0) pass(open, range);
        else
          withOpened(path, (error, fd, opened) => {
            if (error !== null) sender.onStatError(error);
            else if (res.closed || res.writableEnded) close(fd);
            else if (isSame(found, opened)) pass(fd, range);
            else {
              // Another file has the name now. Its headers replace those of the one before.
              for (const set of res.getHeaderNames()) if (!before.has(set)) res.removeHeader(set);
              res.statusCode = statusCode;
              begin(opened, fd);
            }
          });
      };
      sender.send(name, found);
      if (open >= 0 && !asks) close(open);
    };
    begin(stats);
  });
}

/** A link that has replaced the file may lead out of its root; a fifo would block a thread. Windows has neither. */
const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK }: Partial<typeof constants> = constants;
const FLAGS = (O_RDONLY ?? 0) | (O_NOFOLLOW ?? 0) | (O_NONBLOCK ?? 0);

/** Opens a regular file, and passes on its descriptor with what it is. */
function withOpened(path: string, done: (error: Error | null, fd: number, stats: Stats) => void): void {
  open(path, FLAGS, (error, fd) => {
    if (error !== null) done(error.code === 'ELOOP' ? gone(error) : error, -1, undefined as never);
    else {
      fstat(fd, (failure, stats) => {
        const isFile = failure === null && stats.isFile();
        if (!isFile) close(fd);
        done(isFile ? null : (failure ?? gone()), fd, stats);
      });
    }
  });
}

const gone = (cause?: Error): Error =>
  Object.assign(new Error('it is no file any more', { cause }), { code: 'ENOENT' });

/** Reports whether a file is still the one that was found: a deployment may have put another one in its place. */
function isSame(found: Stats, opened: Stats): boolean {
  const { dev, ino, size, mtimeMs } = found;
  return dev === opened.dev && ino === opened.ino && size === opened.size && mtimeMs === opened.mtimeMs;
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
