/**
 * Commands of `api-cli`, in the order of the help, and the file of each. A file is loaded when its command is named, so that serving
 * imports only its own modules.
 */
import type { CommandFile } from '../service/index.js';

export type { CommandFile } from '../service/index.js';

const control = (): Promise<CommandFile> => import('./control-commands.js');
const notify = (): Promise<CommandFile> => import('./notify-command.js');

export const COMMANDS: ReadonlyMap<string, () => Promise<CommandFile>> = new Map(
  Object.entries({
    serve: () => import('./serve/serve.js'),
    init: () => import('./init-command.js'),
    check: () => import('./validate/check-command.js'),
    plan: () => import('./plan-command.js'),
    config: () => import('./look/config-command.js'),
    pipeline: () => import('./look/pipeline-command.js'),
    explain: () => import('./look/explain-command.js'),
    routes: () => import('./look/routes-command.js'),
    openapi: () => import('./look/openapi-command.js'),
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
  }),
);
