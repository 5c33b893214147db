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

/** An argument or a result, as it travels. */
export function entityToData(serializer: Serializer, context: unknown, value: unknown): unknown {
  return serializer.serializeEntity === undefined ? value : serializer.serializeEntity(context, value);
}

/** An argument or a result that came. */
export function entityFromData(serializer: Serializer, context: unknown, value: unknown): unknown {
  return serializer.deserializeEntity === undefined ? value : serializer.deserializeEntity(context, value);
}

/** Arguments, by name. */
type Arguments = Readonly<Record<string, unknown>>;

/** Each argument as {@link entityToData}. */
export function argumentsToData(serializer: Serializer, context: unknown, args: Arguments): Arguments {
  if (serializer.serializeEntity === undefined) return args;
  return eachOf(args, (value) => entityToData(serializer, context, value));
}

/** Each argument as {@link entityFromData}. */
export function argumentsFromData(serializer: Serializer, context: unknown, args: Arguments): Arguments {
  if (serializer.deserializeEntity === undefined) return args;
  return eachOf(args, (value) => entityFromData(serializer, context, value));
}

function eachOf(args: Arguments, change: (value: unknown) => unknown): Arguments {
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, change(value)]));
}
