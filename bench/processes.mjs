// Commands that start the same API: alone, with workers, or as a server of contestants/.
import { fileURLToPath } from 'node:url';
import { check } from './works/check.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export const API_CLI = here('../lib/cli/main.js');
export const CONFIG_FILE = here('portico/portico.ini');

/** The end of a request that asks the server to close its connection. */
export const FRESH = '\r\nConnection: close\r\n\r\n';

/** A Node script of contestants/. */
export function nodeProgram(file) {
  return (work, port) => ({ command: process.execPath, args: [here(`contestants/${file}.mjs`), work, String(port)] });
}

/** Portico in one process without a parent. */
export function lone(work, port) {
  return { command: process.execPath, args: [here('portico/lone.mjs'), work, String(port)] };
}

/** `api-cli`: a parent and this many workers. */
export function porticoWorkers(workers, more = []) {
  return (work, port) => {
    const args = [API_CLI, '--config-file', CONFIG_FILE, '--enabled-apis', work];
    for (const option of [`api:${work}.port=${port}`, `api:${work}.workers=${workers}`, ...more])
      args.push('--set', option);
    return { command: process.execPath, args };
  };
}

/** `api-cli` with the shipped sample API, whose data is in `folder`. */
export function sample(port, folder) {
  const args = [API_CLI, '--config-file', here('../paste/portico.ini'), '--enabled-apis', 'compute'];
  const options = [`DEFAULT.state_path=${folder}`, `api:compute.port=${port}`, 'api:compute.workers=1'];
  for (const option of options) args.push('--set', option);
  return { command: process.execPath, args };
}

/** Rejects unless the server responds to the work as specified. */
export function answers(port, work) {
  return check(work, port, { filters: false });
}
