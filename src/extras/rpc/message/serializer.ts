/**
 * Conversion of values and contexts by the application.
 */
import { type CallDelivery, RequestContext } from 'portico/app';

/** Members of a context that exist only in the receiving process. */
export interface ContextHere {
  readonly signal: AbortSignal;
  readonly delivery: CallDelivery;
}

/**
 * Converts an application's own objects to plain data, and back: each argument, each result, and the context. Absent methods leave values
 * unchanged; a context is a `RequestContext` by default.
 */
export interface Serializer {
  serializeEntity?(context: unknown, value: unknown): unknown;
  deserializeEntity?(context: unknown, value: unknown): unknown;
  serializeContext?(context: unknown): Readonly<Record<string, unknown>>;
  deserializeContext?(dict: Readonly<Record<string, unknown>>, here: ContextHere): unknown;
}

/** Converts an argument or a result to data, or back. */
type Conversion = (context: unknown, value: unknown) => unknown;

const unchanged: Conversion = (_context, value) => value;

/** Fills in the default conversions. */
export function completed(serializer: Serializer): Required<Serializer> {
  return {
    serializeEntity: serializer.serializeEntity?.bind(serializer) ?? unchanged,
    deserializeEntity: serializer.deserializeEntity?.bind(serializer) ?? unchanged,
    serializeContext(context) {
      if (serializer.serializeContext !== undefined) return serializer.serializeContext(context);
      // The members of a context that is not a `RequestContext`.
      return context instanceof RequestContext ? context.toDict() : ((context ?? {}) as Record<string, unknown>);
    },
    deserializeContext: (dict, here) =>
      serializer.deserializeContext?.(dict, here) ?? RequestContext.fromDict(dict, here),
  };
}

/** Converts each of several arguments. */
export function eachArgument(
  args: Readonly<Record<string, unknown>>,
  context: unknown,
  convert: Conversion,
): Readonly<Record<string, unknown>> {
  if (convert === unchanged) return args;
  return Object.fromEntries(Object.entries(args).map(([name, value]) => [name, convert(context, value)]));
}
