/**
 * `[rpc]`: how calls travel.
 */
import { readFileSync } from 'node:fs';
import type { Config, OptionsOf } from '../config/index.js';
import { diagnose } from '../config/internal.js';
import { ConfigurationRefused, didYouMean } from '../errors/index.js';
import { rpcOptions } from '../service/internal.js';
import { WireFormat } from './message/wire-format.js';
import { checkTransportUrl } from './transport/open-transport.js';
import { parseTransportUrl } from './transport/transport-url.js';

/** `[rpc]`, read, without the URL: it may have a password, and these are shown with a connection. */
export type MessagingSettings = ReturnType<typeof read>['settings'];

/**
 * `[rpc]` of a configuration, with what the query of the URL overrides. `url`: instead of the configuration's; `project`: the
 * exchange where none is named. Throws
 * `PORTICO_RPC_URL` for a URL that cannot be read, or whose query has what is no option, `PORTICO_RPC_SIGNING` for keys that cannot be.
 */
export function messagingSettings(config: Config, given: Given = {}): ReturnType<typeof read> {
  try {
    return read(config, given);
  } catch (error) {
    throw given.url === undefined ? atItsOption(config, error) : error;
  }
}

interface Given {
  readonly url?: string | undefined;
  readonly project?: string | undefined;
}

function read(config: Config, { url, project = 'portico' }: Given) {
  const group = config.group('rpc', rpcOptions);
  const text = url ?? group.transportUrl;
  const o = { ...group, ...overrides(text) };
  const settings = {
    /** It reaches no other process. */
    isInProcess: checkTransportUrl(text).driver === 'memory',
    exchange: o.exchange ?? project,
    responseMs: o.responseTimeout * 1000,
    longMs: o.longTimeout * 1000,
    castTtlMs: o.castTtl * 1000,
    poolSize: o.executorPoolSize,
    prefetch: o.prefetch ?? o.executorPoolSize,
    /** Undefined: by what each class marks. */
    accessPolicy: o.accessPolicy === 'public' ? undefined : o.accessPolicy,
    monitorMs: o.callMonitorThreshold * 1000,
    startWaitMs: o.startWait * 1000,
    replyRetryMs: o.replyRetryTimeout * 1000,
    format: wireFormat(o),
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

/** What is wrong with a key is said without it, and without its id: they may have been mixed up. */
function wireFormat(o: OptionsOf<typeof rpcOptions>): WireFormat {
  const { signingKeys, requireSignature, maxMessageSize: maxBytes, compressOver } = o;
  const wrong = [...signingKeys].findIndex(([id, secret]) => !/^[\w-]{1,32}$/.test(id) || secret.length < 32);
  if (wrong >= 0 || (requireSignature && signingKeys.size === 0)) {
    throw new ConfigurationRefused('PORTICO_RPC_SIGNING', {
      message:
        wrong >= 0
          ? `[rpc] signing_keys: pair ${wrong + 1} is no key`
          : '[rpc] require_signature is set, and signing_keys has no key',
      hint: 'Write id:secret: an id of letters, digits, _ and -, and a secret of 32 characters or more, as `openssl rand -hex 32` makes it.',
    });
  }
  return new WireFormat({ maxBytes, compressOver, signingKeys, requireSignature });
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

/** What `[rpc]` is refused for, at the place of the option. */
function atItsOption(config: Config, error: unknown): unknown {
  if (!(error instanceof ConfigurationRefused) || !error.code.startsWith('PORTICO_RPC_')) return error;
  const { code, sentence, hint, cause } = error;
  const [said = '', opt = 'transport_url'] = /^\[rpc\] (\w+):? /.exec(sentence) ?? [];
  const message = sentence.slice(said.length);
  return new ConfigurationRefused(code, {
    diagnostics: [diagnose(config, { code, group: 'rpc', opt, message, hint })],
    cause,
  });
}
