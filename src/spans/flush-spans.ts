/** The last spans of a process, or of a service that ends. */
import type { Logger } from '../log/index.js';
import type { OpenTelemetry } from './open-telemetry.js';

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
