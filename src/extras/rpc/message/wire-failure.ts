/**
 * Errors in the form of oslo.messaging: by module and class, with the arguments of the class. Its extras have what a caller of Portico gets.
 */
import { EXTRAS, EXTRAS_VERSION, isRecord, type Read, readJson, writeJson } from './typed-json.js';

/** An error in a message. */
export interface FailureEnvelope {
  /** Name of its class, which the caller looks up among known classes: its static `remoteName`, if it has one. */
  readonly type: string;
  readonly code?: string | undefined;
  readonly message: string;
  /** Members of the error, if they are plain data. */
  readonly data?: Read | undefined;
  /** True if the method is expected to throw it. */
  readonly expected?: boolean | undefined;
  /** Name of the process that failed. */
  readonly remote: { readonly host: string; readonly binary: string; readonly requestId?: string | undefined };
  /** Stack for the caller's log, if a service in Python sends it. */
  readonly stack?: string | undefined;
  /** Positional and named arguments of its class, if it has them. */
  readonly made?: FailureArguments | undefined;
}

/** Arguments of an exception in Python. */
export interface FailureArguments {
  readonly args?: readonly unknown[] | undefined;
  readonly kwargs?: Read | undefined;
}

/** Module of errors that have none: a Python caller cannot import it, and raises a `RemoteError`. */
const NO_MODULE = 'portico';

/** Errors of Portico that oslo.messaging has too. */
const SAME: ReadonlyMap<string, string> = new Map([
  ['NoSuchMethod', 'oslo_messaging.rpc.dispatcher.NoSuchMethod'],
  ['UnsupportedVersion', 'oslo_messaging.rpc.dispatcher.UnsupportedVersion'],
  ['RpcTimeout', 'oslo_messaging.exceptions.MessagingTimeout'],
  // An argument that a method in Python does not have.
  ['BadArguments', 'builtins.TypeError'],
]);

/** Errors of Python that Portico has too. */
const OWN: ReadonlyMap<string, Pick<FailureEnvelope, 'type' | 'code'>> = new Map([
  ['oslo_messaging.rpc.dispatcher.NoSuchMethod', { type: 'NoSuchMethod', code: 'PORTICO_RPC_NO_SUCH_METHOD' }],
  [
    'oslo_messaging.rpc.dispatcher.UnsupportedVersion',
    { type: 'UnsupportedVersion', code: 'PORTICO_RPC_UNSUPPORTED_VERSION' },
  ],
]);

/** Suffix of classes rebuilt from a failure; if they are passed on, they get their original names again. */
const REMOTE = '_Remote';

/** Returns the text of a reply's `failure`. Throws `SerializationError`, as {@link writeJson}. */
export function writeFailure(failure: FailureEnvelope, what: string): string {
  const { type, message, made: { args = [message], kwargs = {} } = {}, code, data, expected, remote } = failure;
  const name = SAME.get(type) ?? type;
  const dot = name.lastIndexOf('.');
  const written = {
    class: name.slice(dot + 1),
    module: dot === -1 ? NO_MODULE : name.slice(0, dot),
    message,
    tb: [],
    args,
    kwargs,
    [EXTRAS]: { v: EXTRAS_VERSION, type, code, data, expected, remote },
  };
  return writeJson(written, what);
}

/** Parses the `failure` of a reply. Returns undefined if it has none. */
export function readFailure(text: unknown): FailureEnvelope | undefined {
  const read = typeof text === 'string' ? readJson(text) : text;
  if (!isRecord(read) || typeof read.class !== 'string') return undefined;
  const { message, tb, args, kwargs, [EXTRAS]: extras } = read;
  const module = textOf(read.module);
  const isRenamed = read.class.endsWith(REMOTE) && module.endsWith(REMOTE);
  const [cls, mod] = [read.class, module].map((name) => (isRenamed ? name.slice(0, -REMOTE.length) : name));
  const name = mod === '' ? cls! : `${mod}.${cls}`;
  const made: FailureArguments = {
    args: Array.isArray(args) ? args : [],
    kwargs: isRecord(kwargs) ? kwargs : {},
  };
  const stack = Array.isArray(tb) && tb.length > 0 ? tb.map(String).join('') : undefined;
  const told = { message: textOf(message), stack, made };
  if (isRecord(extras) && typeof extras.type === 'string') return { ...told, ...ofPortico(extras) };
  return { ...told, ...(OWN.get(name) ?? { type: name }), data: made.kwargs, remote: { host: '', binary: '' } };
}

/** Leaves out members of wrong types. */
function ofPortico({ type, code, data, expected, remote }: Read): Omit<FailureEnvelope, 'message'> {
  const { host, binary, requestId } = isRecord(remote) ? remote : {};
  return {
    type: textOf(type),
    code: typeof code === 'string' ? code : undefined,
    data: isRecord(data) ? data : undefined,
    expected: expected === true,
    remote: {
      host: textOf(host),
      binary: textOf(binary),
      requestId: typeof requestId === 'string' ? requestId : undefined,
    },
  };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
