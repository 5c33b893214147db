/**
 * `[rpc]`: how calls travel.
 */
import { readFileSync } from 'node:fs';
import type { Config, OptionsOf } from '../config/index.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { rpcOptions } from '../service/internal.js';
import type { ExposurePolicy } from './exposed-methods.js';
import type { TransportOptions } from './transport/transport.js';
import { parseTransportUrl } from './transport/transport-url.js';

/** `[rpc]`, read, without the URL: it may have a password, and these are shown with a connection. */
export interface MessagingSettings {
  /** It reaches no other process. */
  readonly isInProcess: boolean;
  readonly exchange: string;
  readonly responseMs: number;
  readonly longMs: number;
  readonly castTtlMs: number;
  readonly poolSize: number;
  readonly prefetch: number;
  /** Undefined: by what each class marks. */
  readonly accessPolicy: ExposurePolicy | undefined;
  readonly monitorMs: number;
  readonly startWaitMs: number;
  readonly replyRetryMs: number;
  readonly maxMessageBytes: number;
  readonly sendStack: boolean;
  readonly transport: Omit<TransportOptions, 'log' | 'clientName'>;
}

/**
 * `[rpc]` of a configuration, with what the query of the URL overrides. `url`: instead of the configuration's; `project`: the
 * exchange where none is named. Throws
 * `PORTICO_RPC_URL` for a URL that cannot be read, or whose query has what is no option.
 */
export function messagingSettings(
  config: Config,
  { url, project = 'portico' }: { readonly url?: string | undefined; readonly project?: string | undefined } = {},
): { readonly url: string; readonly settings: MessagingSettings } {
  const group = config.group('rpc', rpcOptions);
  const text = url ?? group.transportUrl;
  const o = { ...group, ...overrides(text) };
  const settings: MessagingSettings = {
    isInProcess: parseTransportUrl(text).driver === 'memory',
    exchange: o.exchange ?? project,
    responseMs: o.responseTimeout * 1000,
    longMs: o.longTimeout * 1000,
    castTtlMs: o.castTtl * 1000,
    poolSize: o.executorPoolSize,
    prefetch: o.prefetch ?? o.executorPoolSize,
    accessPolicy: o.accessPolicy === 'public' ? undefined : o.accessPolicy,
    monitorMs: o.callMonitorThreshold * 1000,
    startWaitMs: o.startWait * 1000,
    replyRetryMs: o.replyRetryTimeout * 1000,
    maxMessageBytes: o.maxMessageSize,
    sendStack: o.sendRemoteStack,
    transport: {
      connectTimeoutMs: o.connectTimeout * 1000,
      heartbeatMs: o.heartbeat * 1000,
      retryIntervalMs: o.retryInterval * 1000,
      retryBackoffMs: o.retryBackoff * 1000,
      retryIntervalMaxMs: o.retryIntervalMax * 1000,
      hostQueueTtlMs: o.hostQueueTtl * 1000,
      transientQueueTtlMs: o.transientQueueTtl * 1000,
      queueType: o.queueType,
      deliveryLimit: o.deliveryLimit,
      deadLetter: o.deadLetter,
      manageTopology: o.manageTopology,
      failoverStrategy: o.failoverStrategy,
      tls: {
        ca: contentOf(o.sslCaFile),
        cert: contentOf(o.sslCertFile),
        key: contentOf(o.sslKeyFile),
        verifyHostname: o.sslVerifyHostname,
      },
    },
  };
  return { url: text, settings };
}

function contentOf(file: string | undefined): Buffer | undefined {
  return file === undefined ? undefined : readFileSync(file);
}

function overrides(url: string): Partial<OptionsOf<typeof rpcOptions>> {
  const values: Record<string, unknown> = {};
  const names = Object.keys(rpcOptions).filter((name) => name !== 'transport_url');
  for (const [name, text] of parseTransportUrl(url).query) {
    if (!names.includes(name)) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `the query of the transport URL has "${name}", which is no option of [rpc]`,
        hint: didYouMean(name, names) ?? `Options: ${names.join(', ')}.`,
      });
    }
    try {
      values[name.replaceAll(/_(.)/g, (_, letter: string) => letter.toUpperCase())] =
        rpcOptions[name as keyof typeof rpcOptions].parse(text);
    } catch (cause) {
      throw new ConfigurationRefused('PORTICO_RPC_URL', {
        message: `${name} in the query of the transport URL: ${(cause as Error).message}`,
        cause,
      });
    }
  }
  return values;
}
