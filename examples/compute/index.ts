/** A compute API and a metadata API, composed in `paste/api-paste.ini`. */
import { type App, appFactory, type FactoryContext } from 'portico/app';
import { type Config, defineOptions, refuseOption, string } from 'portico/config';
import { openRegistry } from 'portico/registry';
import { cloudOf, sampleOptions } from './cloud.js';
import { HOST_TOPIC } from './compute/managers.js';
import { computeRouter } from './compute/routes.js';
import { metadataApp } from './metadata.js';

export { ComputeManager, Conductor, type ConsoleOwner, HostManager } from './compute/managers.js';
export { version, versions } from './compute/versions.js';
export type { TaskOfServer } from './records.js';

/** The factory of the compute API, for the `[app:…]` section of `/v2.1`. Options: those of `[sample]`. */
export const compute = appFactory('sample', sampleOptions, async (settings, ctx) => {
  const registry = openRegistry(ctx.config, { log: ctx.log });
  ctx.onClose(() => registry?.close());
  const rpc = await ctx.rpc();
  const hosts = rpc.isInProcess ? null : rpc.client({ topic: HOST_TOPIC });
  if (hosts !== null && registry === null) refuseWithoutRegistry(ctx.config);
  const api = { cloud: cloudOf(ctx), settings, hosts, registry, log: ctx.log, service: ctx.service ?? 'compute' };
  return computeRouter(api).build();
});

function refuseWithoutRegistry(config: Config): never {
  return refuseOption(config, {
    group: 'rpc',
    opt: 'transport_url',
    message: 'servers are placed on the hosts of the service registry, and the configuration names none',
    hint: 'Set [database] connection, or leave transport_url out to simulate one host.',
  });
}

const secretOption = string({
  default: '',
  secret: true,
  help: 'The secret with which the proxy signs requests. Without it, every request is refused.',
});
const metadataOptions = defineOptions({ proxy_secret: secretOption });

/** The factory of the metadata API, for its `[app:…]` section. Options: `proxy_secret` of `[api:metadata]`, and those of `[sample]`. */
export const metadata = appFactory('sample', sampleOptions, signedMetadata, {
  groups: { 'api:metadata': metadataOptions },
});

function signedMetadata(_settings: unknown, ctx: FactoryContext): App {
  const { proxySecret } = ctx.config.group('api:metadata', metadataOptions, { partial: true });
  if (proxySecret === '') ctx.log.warn('[api:metadata] proxy_secret is not set: all metadata requests are refused');
  return metadataApp(cloudOf(ctx), proxySecret);
}
