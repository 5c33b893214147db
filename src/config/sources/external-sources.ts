/**
 * External configuration: `[DEFAULT] config_source` names groups, each with a location. The text has the syntax of a file, and lower
 * precedence than every file.
 */

import { readFileSync } from 'node:fs';
import type { Diagnostic, Location } from '../../errors/index.js';
import { maskUris } from '../../text/index.js';
import type { SourceFile, State } from '../state.js';
import { defineOptions } from '../types/define-options.js';
import { boolean, duration } from '../types/number-types.js';
import type { OptionsOf } from '../types/option.js';
import { oneOf, path, uri } from '../types/text-types.js';
import type { DeclaredGroups } from '../values/declared-groups.js';
import { Generation } from '../values/generation.js';
import { readGroup } from '../values/group-values.js';
import { parseSource } from './read-files.js';

/** Options of a group that `config_source` names. */
const sourceOptions = defineOptions({
  driver: oneOf(['remote_file'], { default: 'remote_file', help: 'Driver that reads the source.' }),
  uri: uri({
    required: true,
    schemes: ['http', 'https'],
    help: 'URI of the configuration text. Redirects are not followed.',
  }),
  ca_path: path({ help: "CA certificates to trust instead of the system's." }),
  client_cert: path({ help: 'Client certificate for the server.' }),
  client_key: path({ help: 'Private key of client_cert.' }),
  timeout_s: duration({ default: 60, min: 0.001, help: 'Timeout for the whole response.' }),
  optional: boolean({ default: false, help: 'Continue with a warning if the source cannot be read.' }),
});

/** A larger source is refused: it is not a configuration. */
const largestSource = 8 * 1024 * 1024;

/** Declares the groups that `config_source` names; returns their names in order. */
export function declareSources(state: State, groups: DeclaredGroups): readonly string[] {
  const named = new Generation(state, groups).resolve(groups.option('DEFAULT', 'config_source')!).value ?? [];
  for (const name of named as readonly string[]) groups.declare(name, sourceOptions);
  return named as readonly string[];
}

/** Returns the state with its external sources; their errors are among its issues. Never rejects. */
export async function readExternalSources(state: State, groups: DeclaredGroups): Promise<State> {
  const names = declareSources(state, groups);
  if (names.length === 0) return state;
  const issues: Diagnostic[] = [];
  const generation = new Generation(state, groups);
  const sources: SourceFile[] = [];
  for (const name of names) {
    const { values, issues: wrong } = readGroup(generation, name, sourceOptions, { partial: true });
    // Errors of the group are reported with all others.
    if (wrong.some(({ severity }) => severity === 'error')) continue;
    const { location } = generation.resolve(groups.option(name, 'uri')!);
    sources.push(...(await readSource({ group: name, location }, values as OptionsOf<typeof sourceOptions>, issues)));
  }
  const files = [...sources.toReversed(), ...state.sources.files];
  return { ...state, sources: { ...state.sources, files }, issues: [...state.issues, ...issues] };
}

async function readSource(
  { group, location }: { readonly group: string; readonly location: Location },
  options: OptionsOf<typeof sourceOptions>,
  issues: Diagnostic[],
): Promise<SourceFile[]> {
  const name = maskUris(options.uri);
  try {
    return [parseSource({ kind: 'source', name, path: '', exposed: false }, await fetchText(options), issues)];
  } catch (error) {
    const message = `cannot read ${name}: ${(error as Error).message}`;
    const severity = options.optional ? 'warning' : 'error';
    issues.push({ severity, code: 'PORTICO_CONFIG_SOURCE', section: group, option: 'uri', location, message });
    return [];
  }
}

async function fetchText(options: OptionsOf<typeof sourceOptions>): Promise<Buffer> {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  const secure = options.uri.toLowerCase().startsWith('https:');
  const tls = secure ? { ca: read(options.caPath), cert: read(options.clientCert), key: read(options.clientKey) } : {};
  const { request: send } = secure ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(Math.round(options.timeoutS * 1000));
    const request = send(options.uri, { ...tls, signal, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        chunks.push(chunk);
        if (size > largestSource) request.destroy(new Error(`is larger than ${largestSource} bytes`));
      });
      response.on('end', () => {
        if (response.statusCode === 200) resolve(Buffer.concat(chunks));
        else reject(new Error(`responded ${response.statusCode}`));
      });
    });
    request.on('error', (error) =>
      reject(signal.aborted ? new Error(`no response within ${options.timeoutS} s`) : error),
    );
    request.end();
  });
}
