/**
 * The app that a request is for, as a command line names it.
 */
import type { Config } from '../config/index.js';
import { PorticoError } from '../errors/index.js';
import { Loader } from '../loader/index.js';
import { type Logger, silentLogger } from '../log/index.js';
import type { WSGIService } from '../server/index.js';
import { chosenApis, loaderOf, unknownName } from './api-routers.js';
import type { ConfigurationArguments } from './command-line.js';
import { readConfiguration } from './configuration.js';
import { configuredPasteFile } from './paste-file.js';
import type { NamedRequest } from './request-arguments.js';

/** Options that name an app. */
export interface NamedAppArguments extends ConfigurationArguments {
  readonly paste?: string;
  readonly api?: string;
}

/** An app of a paste file, with what it is loaded by. */
export interface NamedApp {
  readonly loader: Loader;
  readonly config: Config;
  readonly log: Logger;
  readonly app: string;
}

/** Where a request begins: the API of that name or at the port of the URL, an app of the paste file, or the only one there is. */
export async function namedApp(
  { port }: NamedRequest,
  args: NamedAppArguments,
  loggerOf: (config: Config) => Logger = () => silentLogger(),
): Promise<NamedApp> {
  const config = await readConfiguration(args);
  const log = loggerOf(config);
  const apis = args.paste === undefined ? (await chosenApis(config, undefined)).filter(hasFile) : [];
  const named = apis.filter(({ name }) => name === args.api);
  const [api, ...others] = args.api === undefined ? choose(apis, port) : named;
  if (api !== undefined && others.length === 0)
    return { loader: loaderOf(api, config, log), config, log, app: api.pipeline };
  const loader = new Loader(args.paste ?? configuredPasteFile(config), { config, log });
  if (args.api !== undefined) {
    if (loader.has(args.api)) return { loader, config, log, app: args.api };
    const apps = loader.sections().flatMap(({ kind, name }) => (kind === 'app' ? [name] : []));
    const names = [...new Set([...apis.map(({ name }) => name), ...apps])];
    throw unknownName(`no API and no app of ${loader.path} is called "${args.api}"`, args.api, names);
  }
  const roots = apis.length > 0 ? apis.map(({ name }) => name) : loader.roots();
  if (roots.length === 1) return { loader, config, log, app: roots[0]! };
  throw new PorticoError('PORTICO_USAGE', {
    message: roots.length === 0 ? `${loader.path} has no app to begin with` : `there are several: ${roots.join(', ')}`,
    hint: 'Name one with --api.',
  });
}

const hasFile = ({ pasteFile }: WSGIService): boolean => pasteFile !== undefined;

/** The APIs at the port of a URL, where one is there. */
function choose(apis: readonly WSGIService[], port: number | undefined): readonly WSGIService[] {
  const there = apis.filter((api) => api.port === port);
  return port === undefined || there.length === 0 ? apis : there;
}
