/**
 * What an application adds to how values and contexts travel.
 */
import { type CallDelivery, RequestContext } from '../../app/index.js';

/** What a context has only where the call arrived. */
export interface ContextHere {
  readonly signal: AbortSignal;
  readonly delivery: CallDelivery;
}

/**
 * Turns an application's own objects into plain data, and back: each argument, each result, and the context. Members that are
 * absent leave values as they are; a context is a `RequestContext` by default.
 */
export interface Serializer {
  serializeEntity?(context: unknown, value: unknown): unknown;
  deserializeEntity?(context: unknown, value: unknown): unknown;
  serializeContext?(context: unknown): Readonly<Record<string, unknown>>;
  deserializeContext?(dict: Readonly<Record<string, unknown>>, here: ContextHere): unknown;
}

/** The context as it travels: what `toDict()` gives, else its members. */
export function contextToDict(serializer: Serializer, context: unknown): Readonly<Record<string, unknown>> {
  if (serializer.serializeContext !== undefined) return serializer.serializeContext(context);
  if (context instanceof RequestContext) return context.toDict();
  return (context ?? {}) as Readonly<Record<string, unknown>>;
}

/** The context that a method is called with. */
export function contextFromDict(
  serializer: Serializer,
  dict: Readonly<Record<string, unknown>>,
  here: ContextHere,
): unknown {
  return serializer.deserializeContext?.(dict, here) ?? RequestContext.fromDict(dict, here);
}

/** Arguments, each by the serializer. */
export function mapArguments(
  args: Readonly<Record<string, unknown>>,
  map: (value: unknown) => unknown,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, map(value)]));
}
