/** Composes apps from a file, with factories of the test instead of modules. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { environ } from 'portico/app';
import { byOption, cascade, type LoadedApp, Loader, type LoaderOptions, urlmap, versionedUrlmap } from 'portico/loader';
import { closedAfter } from '../fixtures/closed-after.js';
import { folderOf } from './folder.js';

/** Returns a Loader for a file whose factory expressions are keys of `factories`. */
export function loaderOf(
  ini: string,
  factories: Readonly<Record<string, unknown>>,
  options: LoaderOptions = {},
): Loader {
  const known: Readonly<Record<string, unknown>> = { urlmap, versionedUrlmap, cascade, byOption, echo, ...factories };
  const resolve = {
    expression: (text: string) => known[text],
    distribution: () => new Map<string, ReadonlyMap<string, unknown>>(),
  };
  return new Loader(join(folderOf({ 'api-paste.ini': ini }), 'api-paste.ini'), { resolve, ...options });
}

/** Loads the app `main` of a file, and closes it after the test. */
export async function composed(
  t: TestContext,
  ini: string,
  factories: Readonly<Record<string, unknown>> = {},
  options: LoaderOptions = {},
): Promise<LoadedApp> {
  return closedAfter(t, await loaderOf(ini, factories, options).loadApp());
}

/** Responds with the app's name and options as JSON. The option `status` sets the status. */
function echo(_globalConf: unknown, localConf: ReadonlyMap<string, string>) {
  return (req: import('node:http').IncomingMessage, res: import('node:http').ServerResponse) => {
    const { scriptName, originalUrl, bestContentType } = environ(req);
    res.statusCode = Number(localConf.get('status') ?? '200');
    const name = localConf.get('name');
    res.end(JSON.stringify({ name, scriptName, url: req.url, originalUrl, bestContentType }));
  };
}
