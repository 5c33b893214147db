/** The tracer provider that the application has registered, without an import of its packages. */

/** The key of the registered SDK, shared by all copies of the API's major version: `global-utils.ts` of @opentelemetry/api. */
const REGISTERED = Symbol.for('opentelemetry.js.api.1');

/** Methods of an SDK's provider that the API's interface lacks. */
export interface Provider {
  forceFlush?(options: { readonly timeoutMillis: number }): Promise<void>;
  shutdown?(): Promise<void>;
}

/** Returns the tracer provider of the SDK; undefined if none is registered. */
export function registeredProvider(): Provider | undefined {
  const { [REGISTERED]: registered } = globalThis as {
    [REGISTERED]?: { readonly trace?: Provider & { getDelegate?(): Provider } };
  };
  return registered?.trace?.getDelegate?.() ?? registered?.trace;
}

/** Reports whether a tracer provider is registered. */
export function isRegistered(): boolean {
  return registeredProvider() !== undefined;
}
