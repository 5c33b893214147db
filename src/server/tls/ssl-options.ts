/** Options of TLS in `[ssl]`: certificate, key, versions, clients; and the lookup of files with relative paths, for one API too. */
import { existsSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { type Config, defineOptions, type OptionsOf, oneOf, path, string } from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import { missingFileHint } from '../missing-file.js';

export const sslOptions = defineOptions('ssl', {
  cert_file: path({
    help: 'Certificate and intermediate ones, as PEM. Relative to the file with this option, or to the working directory.',
    deprecated: ['wsgi.ssl_cert_file', 'DEFAULT.ssl_cert_file'],
  }),
  key_file: path({
    help: 'Private key of cert_file, as PEM.',
    mode: 0o640,
    deprecated: ['wsgi.ssl_key_file', 'DEFAULT.ssl_key_file'],
  }),
  ca_file: path({
    help: 'CA certificates to verify client certificates with. Clients must then present one.',
    deprecated: ['wsgi.ssl_ca_file', 'DEFAULT.ssl_ca_file'],
  }),
  min_version: oneOf(['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'], {
    default: 'TLSv1.2',
    help: 'Minimum TLS version.',
  }),
  version: string({
    help: 'Only TLS version to accept: TLSv1, TLSv1_1, TLSv1_2 or TLSv1_3. SSLv23, the default: from min_version.',
    advanced: true,
  }),
  ciphers: string({ help: 'Ciphers, as an OpenSSL list. Default: those with forward secrecy.' }),
  client_auth: oneOf(['none', 'optional', 'required'], {
    help: 'Demand for client certificates. Default: required with ca_file, otherwise none.',
  }),
});

writtenElsewhere(sslOptions, {
  removed: { allow_expired: 'a reload replaces no valid certificate with an expired one; a restart does.' },
});

/** TLS settings; absent ones have the defaults of `[ssl]`. */
export type TlsSettings = {
  readonly [K in keyof OptionsOf<typeof sslOptions>]?: OptionsOf<typeof sslOptions>[K] | null;
};

/**
 * Returns `[ssl]` with resolved file paths. For an API, whose options must be declared, the files of its section take precedence,
 * whatever other errors that section has. Throws ConfigError for errors in `[ssl]`.
 */
export function sslSettings(config: Config, api?: string): TlsSettings {
  const settings = config.group('ssl', sslOptions);
  const at = (option: string): string | undefined => {
    const { group, opt } = tlsOption(config, api, option);
    return certificatePath(config, group, opt);
  };
  return { ...settings, certFile: at('cert_file'), keyFile: at('key_file'), caFile: at('ca_file') };
}

/** Returns `ssl_<option>` of an API's section if it is set, else the option of `[ssl]`; `option` is the name in `[ssl]`. */
export function tlsOption(
  config: Config,
  api: string | undefined,
  option: string,
): { readonly group: string; readonly opt: string } {
  const own = { group: `api:${api}`, opt: `ssl_${option}` };
  // An empty value is none: the option of `[ssl]` applies.
  const isSet = config.has(own.group, own.opt) && Boolean(config.resolve(own.group, own.opt).value);
  return isSet ? own : { group: 'ssl', opt: option };
}

/**
 * Returns the path of a file that an option names: a relative one is looked up beside the configuration file that names
 * it, then in the working directory. Unchanged if it is in neither; undefined if the option is not set. Files that were
 * read already count as present.
 */
function certificatePath(config: Config, group: string, opt: string): string | undefined {
  const { value, location } = config.resolve(group, opt);
  const written = value as string | undefined;
  if (written === undefined || written === '' || isAbsolute(written)) return written;
  const candidates = candidatesFor(written, location.origin?.file);
  const found =
    candidates.find((candidate) => config.filesRead.includes(candidate)) ??
    candidates.find((candidate) => existsSync(candidate));
  return found === undefined || found === resolve(written) ? written : found;
}

/** Hint for a missing file; `file`: the configuration file that names it. */
export function missingHint(written: string, file?: string): string {
  const candidates = candidatesFor(written, file);
  const near = candidates.map((candidate) => missingFileHint(candidate)).find((text) => text !== undefined);
  const told = isAbsolute(written)
    ? 'Move it there, or correct the path.'
    : `It is not at ${candidates.join(', nor at ')}: a relative path is looked up beside the configuration file, then in the working directory.`;
  return near === undefined ? told : `${near} ${told}`;
}

function candidatesFor(written: string, file: string | undefined): string[] {
  return [...new Set([resolve(file === undefined ? '.' : dirname(file), written), resolve(written)])];
}
