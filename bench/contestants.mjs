// Who takes part, and how each is started.
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const API_CLI = here('../dist/cli/main.js');

/** A program of contestants/ in Node. */
const node = (file) => (work, port) => ({
  command: process.execPath,
  args: [here(`contestants/${file}.mjs`), work, port],
});

/** `api-cli` with the files of portico/: a parent that serves nothing, and one worker. */
function portico(work, port, { certificate, logLevel }) {
  const args = [API_CLI, '--config-file', here('portico/portico.ini'), '--enabled-apis', work];
  args.push('--set', `api:${work}.port=${port}`);
  if (logLevel !== undefined) args.push('--set', `DEFAULT.log_level=${logLevel}`);
  if (work === 'work6') {
    args.push('--enabled-ssl-apis', work);
    args.push('--set', `ssl.cert_file=${certificate.cert}`, '--set', `ssl.key_file=${certificate.key}`);
  }
  return { command: process.execPath, args };
}

/**
 * By name. `filters`: whether works 2 and 3 are done behind the seven filters; without, their answers lack the filters'
 * headers. `main`: those the targets speak of; they take part in every round, the others in every third.
 */
export const CONTESTANTS = {
  portico: { label: 'Portico', filters: true, main: true, server: portico },
  node: { label: 'node:http', filters: false, main: true, server: node('node') },
  fastify: { label: 'Fastify', filters: false, main: true, server: node('fastify') },
  hooks: {
    label: 'Fastify, own hooks',
    filters: true,
    main: true,
    server: node('fastify-hooks'),
    works: ['work2', 'work2-logged', 'work3'],
  },
};
