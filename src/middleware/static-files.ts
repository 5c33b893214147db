/** static_files: serves the files in a directory. */

import { realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, normalize, resolve } from 'node:path';
import { type App, appFactory, environ, type FactoryContext, Fault, filterFactory } from '../app/index.js';
import { findFile, knowsTrials, loadSender, optionOrigin, sendFile } from '../app/internal.js';
import { defineOptions, integer, type OptionsOf, path, string } from '../config/index.js';
import { ConfigurationRefused } from '../errors/index.js';
import { appendVary } from './headers.js';

const staticFilesOptions = defineOptions({
  document_root: path({ required: true, kind: 'dir', aliases: ['root'], help: 'Directory to serve.' }),
  cache_max_age: integer({
    default: 0,
    min: 0,
    help: 'How long caches may keep the files, in seconds; only the browser of an authenticated caller, behind a filter.',
  }),
  fallback: string({
    help: 'File to serve for a missing path if the client accepts HTML: the page of a single-page app.',
  }),
});

/**
 * Serves files to GET and HEAD, with ranges and conditional requests. Redirects a directory without a trailing slash. Responds with 404 for
 * names that begin with a dot, for dot segments, and for symbolic links that lead outside the directory.
 */
export const staticFiles = appFactory(
  'static_files',
  staticFilesOptions,
  async (options, ctx): Promise<App> => {
    const serve = await fileServer(options, ctx);
    return knowsTrials(async (req, res) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') throw new Fault(405, { headers: { allow: 'GET, HEAD' } });
      if (!(await serve(req, res))) throw new Fault(404);
    });
  },
  { trial: true },
);

/** The same as a filter: requests without a matching file are passed on to the app. */
export const staticFilesFilter = filterFactory(
  'static_files',
  staticFilesOptions,
  async (options, ctx) => {
    const serve = await fileServer(options, ctx);
    return (app) => async (req, res) => {
      if (req.method !== 'GET' && req.method !== 'HEAD') return app(req, res);
      return (await serve(req, res)) ? undefined : app(req, res);
    };
  },
  { trial: true },
);

type Options = OptionsOf<typeof staticFilesOptions>;

/** Serves a file. Resolves to whether there is one. */
type FileServer = (req: IncomingMessage, res: ServerResponse) => Promise<boolean>;

async function fileServer(options: Options, ctx: FactoryContext): Promise<FileServer> {
  const root = await realpath(resolve(options.documentRoot)).catch((cause: unknown) => {
    throw new ConfigurationRefused('PORTICO_DOCUMENT_ROOT', {
      message: `there is no directory ${options.documentRoot}`,
      hint: 'document_root is relative to the working directory of the process.',
      origin: optionOrigin(ctx, 'static_files', 'document_root'),
      cause,
    });
  });
  /** Returns the file or directory at a path; below a path with a slash the index. The name in the path has the type. */
  const lookUp = async (path: string) => {
    const name = path.endsWith('/') ? 'index.html' : '';
    const found = await findFile(path + name, root);
    return found !== undefined && (name === '' || found.stats.isFile())
      ? { ...found, name: join(root, path + name) }
      : undefined;
  };
  const fallback = options.fallback === undefined ? undefined : `/${normalize(options.fallback)}`;
  if (fallback !== undefined && (await lookUp(fallback))?.stats.isFile() !== true) {
    throw new ConfigurationRefused('PORTICO_DOCUMENT_ROOT', {
      message: `there is no file ${options.fallback} in ${options.documentRoot}`,
      hint: 'fallback is relative to document_root.',
      origin: optionOrigin(ctx, 'static_files', 'fallback'),
    });
  }

  await loadSender();

  const serve = async (req: IncomingMessage, res: ServerResponse, path: string | undefined): Promise<boolean> => {
    const found = path === undefined ? undefined : await lookUp(path);
    if (found === undefined) return false;
    if (found.stats.isDirectory() || (path === '/' && isMountWithoutSlash(req))) redirect(req, res);
    else await sendFile(req, res, found, options.cacheMaxAge);
    return true;
  };
  return async (req, res) => {
    if (await serve(req, res, decoded(pathOf(req.url ?? '') || '/'))) return true;
    if (fallback === undefined) return false;
    // A cache must not return the page to a script that requests the same path.
    appendVary(res, 'Accept');
    // Scripts, images and other clients send `*/*`; only navigations name HTML.
    return /\btext\/html\b/.test(req.headers.accept ?? '') && serve(req, res, fallback);
  };
}

function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/** Reports whether a client has named a mount without its slash, against which its page's links would be resolved. */
function isMountWithoutSlash(req: IncomingMessage): boolean {
  const { scriptName, originalUrl } = environ(req);
  return scriptName !== '' && !scriptName.endsWith('/') && !pathOf(originalUrl).endsWith('/');
}

function pathOf(url: string): string {
  return url.split('?', 1)[0]!;
}

function redirect(req: IncomingMessage, res: ServerResponse): void {
  const url = req.url ?? '';
  const query = url.indexOf('?');
  const path = (environ(req).scriptName + pathOf(url)).replace(/\/$/, '');
  res.statusCode = 301;
  // Two leading slashes would name another host; browsers read a backslash as a slash.
  res.setHeader('location', `${path.replace(/^[/\\]+/, '/')}/${query < 0 ? '' : url.slice(query)}`);
  res.setHeader('content-length', 0);
  res.end();
}
