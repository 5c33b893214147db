/**
 * What a Loader may be given, and what follows from it for each load.
 */
import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import type { Conf } from '../app/index.js';
import { Config } from '../config/index.js';
import type { PasteDocument } from '../ini/index.js';
import { type Logger, silentLogger } from '../log/index.js';
import { aliasesOf } from './aliases.js';
import { openDocument, type ReadFile } from './document.js';
import { ConfigNotFound, PasteError, pasteCode } from './paste-error.js';
import type { Resolver } from './resolver.js';
import type { SessionParts } from './session.js';

/** What a Loader may be given. */
export interface LoaderOptions {
  /** Run-time values: defaults where the file has none, and in every global_conf. */
  readonly globalConf?: Readonly<Record<string, string>> | Conf | undefined;
  /** What stands for Python references: `from` to `to [protocol]`. Asked before the aliases of the file. */
  readonly aliases?: Readonly<Record<string, string>> | undefined;
  /** Stands in for modules and packages, and for all aliases. */
  readonly resolve?: Resolver | undefined;
  /** The service configuration, handed on as `ctx.config`. Default: an empty one. */
  readonly config?: Config | undefined;
  /** The API that is loaded, by its name in `[api:<name>]`; handed on as `ctx.service`. */
  readonly service?: string | undefined;
  /** Default: `config.readFile` where a configuration is given, so that a worker reads what its parent accepted. */
  readonly readFile?: ReadFile | undefined;
  /** Default: silent. Factories get a child of it that names their section. */
  readonly log?: Logger | undefined;
}

/** Reads and parses the file; what is wrong inside it is left in the document's problems. */
export function sessionParts(configPath: string, options: LoaderOptions): SessionParts {
  const path = resolve(configPath);
  const readFile = options.readFile ?? readerOf(options.config);
  const { globalConf = {} } = options;
  return {
    path,
    document: documentAt(path, configPath, readFile),
    runTime: globalConf instanceof Map ? globalConf : new Map(Object.entries(globalConf)),
    readFile,
    nameOf: isAbsolute(configPath) ? (file) => file : (file) => relative('', file),
    config: options.config ?? new Config(),
    service: options.service,
    configured: options.config !== undefined,
    log: options.log ?? silentLogger(),
    resolver: options.resolve,
    aliases: aliasesOf(options.aliases ?? {}),
  };
}

function documentAt(path: string, name: string, readFile: ReadFile): PasteDocument {
  try {
    return openDocument(path, name, readFile);
  } catch (error) {
    if (!(error instanceof PasteError) || error.code !== pasteCode('no-file')) throw error;
    const hint = 'A relative path begins in the folder the program was started in.';
    throw new ConfigNotFound(error.code, { message: error.message, hint, cause: error.cause });
  }
}

function readerOf(config: Config | undefined): ReadFile {
  return config === undefined ? (path) => readFileSync(path) : (path) => config.readFile(path);
}
