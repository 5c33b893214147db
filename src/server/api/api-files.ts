/**
 * The files an API rests on beside the configuration's own, for the report of a reload: certificates and paste files.
 */
import { resolve } from 'node:path';
import type { Config } from '../../config/index.js';
import { silentLogger } from '../../log/index.js';
import type { ServiceFile } from '../../service/index.js';
import { tlsOption } from './api-options.js';
import { ApiServing } from './api-serving.js';
import { type ApiSettings, apiSettings } from './api-settings.js';
import { pasteLoader } from './paste-config.js';

/** What an API reads under a configuration. `ownLoader`: its app comes from somewhere else than a paste file. */
export function apiFiles(
  name: string,
  config: Config,
  { usesTls, ownLoader }: { readonly usesTls: boolean; readonly ownLoader: boolean },
): ServiceFile[] {
  const settings = apiSettings(config, name);
  const serving = new ApiServing(name, config, { useSsl: usesTls });
  const certificates = usesTls ? tlsFiles(name, config, settings, serving) : [];
  if (ownLoader) return certificates;
  const written = pasteLoader(config, silentLogger(), name).writtenFiles(settings.pipeline);
  return [
    ...certificates,
    ...[...written].map(([path, pipelines]) => ({ path, option: 'DEFAULT.api_paste_config', pipelines })),
  ];
}

function tlsFiles(name: string, config: Config, { tls }: ApiSettings, serving: ApiServing): ServiceFile[] {
  const files = { cert_file: tls.certFile, key_file: tls.keyFile, ca_file: tls.caFile };
  return Object.entries(files).flatMap(([opt, file]) => {
    if (!file) return [];
    const set = tlsOption(config, name, opt);
    const option = `${set.group}.${set.opt}`;
    return [
      {
        path: resolve(file),
        option,
        secret: opt === 'key_file',
        says: opt === 'cert_file' ? ends(serving, tls) : undefined,
      },
    ];
  });
}

function ends(serving: ApiServing, tls: ApiSettings['tls']): string | undefined {
  try {
    return `valid until ${serving.validUntil({ tls } as ApiSettings)?.toISOString()}`;
  } catch {
    // The server that speaks TLS with it says why not.
    return undefined;
  }
}
