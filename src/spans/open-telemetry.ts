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
