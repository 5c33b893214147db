/**
 * OpenTelemetry's API, where the program has registered an SDK for it. Without one nothing is imported.
 */
import type * as Api from '@opentelemetry/api';
import type { Logger } from '../log/index.js';

export type OpenTelemetry = typeof Api;

/** Where the API holds what an SDK registers, for all copies of its major version: `global-utils.ts` of @opentelemetry/api. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Whether there is a tracer provider. */
export function isRegistered(): boolean {
  const { [REGISTERED]: registered } = globalThis as { [REGISTERED]?: { readonly trace?: object } };
  return registered?.trace !== undefined;
}

/** The API; undefined where no tracer provider is registered, and, with a warning, where the package is not found. */
export async function openTelemetry(log: Logger): Promise<OpenTelemetry | undefined> {
  if (!isRegistered()) return undefined;
  try {
    return await import('@opentelemetry/api');
  } catch (error) {
    log.warn('An OpenTelemetry SDK is registered, but there are no traces: npm install @opentelemetry/api', {
      err: error,
    });
    return undefined;
  }
}

/** How long a stop waits for spans to be exported, in milliseconds: a collector that is away must not hold up a restart. */
const FLUSH_MS = 5000;

/**
 * Has the SDK export what has ended: the process may be next to end, and tells no SDK of that. Settles after five seconds
 * at the latest, or when `signal` is raised; never rejects.
 */
export async function flushSpans(api: OpenTelemetry, log: Logger, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  const provider = api.trace.getTracerProvider() as Flushable & { getDelegate?(): Flushable };
  const over = AbortSignal.any([...(signal === undefined ? [] : [signal]), AbortSignal.timeout(FLUSH_MS)]);
  const late = new Promise<void>((_resolve, reject) => {
    over.addEventListener('abort', () => reject(new Error('it took too long')), { once: true });
  });
  try {
    await Promise.race([(provider.getDelegate?.() ?? provider).forceFlush?.({ timeoutMillis: FLUSH_MS }), late]);
  } catch (error) {
    // The provider of an SDK rejects with a list: what each of its processors has to say.
    const [first] = [error].flat();
    log.warn('The last spans could not be exported', { err: first });
  }
}

/** What the provider of an SDK can do, and the interface of the API does not have. */
interface Flushable {
  forceFlush?(options: { readonly timeoutMillis: number }): Promise<void>;
}
