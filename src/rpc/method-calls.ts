/**
 * Objects whose members are the methods of a service; calling one calls the service.
 */

/** Names read by `await`, JSON, string conversion and comparisons: these must not be calls. */
const ASKED_OF_ANY_OBJECT: ReadonlySet<string> = new Set([
  'then',
  'toJSON',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

/** `own`: members that are not calls. */
export function methodCalls<T extends object>(
  call: (method: string, context: unknown, args: Readonly<Record<string, unknown>> | undefined) => Promise<unknown>,
  own: object = {},
): T {
  const get = (target: object, name: string | symbol): unknown => {
    if (typeof name === 'symbol' || ASKED_OF_ANY_OBJECT.has(name) || Object.hasOwn(own, name)) {
      return Reflect.get(target, name);
    }
    return (context?: unknown, args?: Readonly<Record<string, unknown>>) => call(name, context, args);
  };
  return new Proxy(own, { get }) as T;
}
