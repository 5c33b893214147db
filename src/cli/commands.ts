/**
 * Commands of `api-cli`, in the order of the help, and the file of each. A file is loaded when its command is named, so that serving
 * imports only its own modules.
 */
import type { Command } from 'commander';

/** A file of commands: adds one command, or a few related ones, to the program. */
export interface CommandFile {
  register(program: Command): void;
}

const control = (): Promise<CommandFile> => import('./control.js');
const notify = (): Promise<CommandFile> => import('./notify.js');
const service = (): Promise<CommandFile> => import('./service.js');

export const COMMANDS: ReadonlyMap<string, () => Promise<CommandFile>> = new Map(
  Object.entries({
    serve: () => import('./serve/serve.js'),
    init: () => import('./init.js'),
    check: () => import('./validate/check.js'),
    config: () => import('./look/config.js'),
    pipeline: () => import('./look/pipeline.js'),
    explain: () => import('./look/explain.js'),
    request: () => import('./look/request.js'),
    routes: () => import('./look/routes.js'),
    openapi: () => import('./look/openapi.js'),
    generate: () => import('./generate.js'),
    service,
    db: service,
    rpc: () => import('./rpc.js'),
    notify,
    'wait-ready': notify,
    status: control,
    requests: control,
    reload: control,
    scale: control,
    restart: control,
    stop: control,
    'log-level': control,
    report: control,
    completion: () => import('./completion.js'),
  }),
);
