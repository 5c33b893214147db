/**
 * Errors in the form of oslo.messaging: by module and class, with the arguments of the class.
 */
import type { FailureArguments, FailureEnvelope } from './envelope.js';
import { failureIn, isRecord } from './envelope.js';
import { osloText, osloValue } from './oslo-values.js';

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

/** Returns the text of a reply's `failure`. Throws `SerializationError`. */
export function osloFailure(failure: FailureEnvelope, what: string): string {
  const { type, message, stack, made: { args = [message], kwargs = {} } = {}, code, data, expected, remote } = failure;
  const name = SAME.get(type) ?? type;
  const dot = name.lastIndexOf('.');
  const written = {
    class: name.slice(dot + 1),
    module: dot === -1 ? NO_MODULE : name.slice(0, dot),
    message,
    tb: stack === undefined ? [] : stack.split('\n').map((line) => `${line}\n`),
    args,
    kwargs,
    // For callers of Portico: Python ignores it.
    portico: { type, code, data, expected, remote },
  };
  return osloText(written, what);
}

/** Parses the `failure` of a reply. Returns undefined if it has none. */
export function readOsloFailure(text: unknown): FailureEnvelope | undefined {
  const read = typeof text === 'string' ? osloValue(text) : text;
  if (!isRecord(read) || typeof read.class !== 'string') return undefined;
  const { message, tb, args, kwargs, portico } = read;
  const module = typeof read.module === 'string' ? read.module : '';
  const isRenamed = read.class.endsWith(REMOTE) && module.endsWith(REMOTE);
  const [cls, mod] = [read.class, module].map((name) => (isRenamed ? name.slice(0, -REMOTE.length) : name));
  const name = mod === '' ? cls! : `${mod}.${cls}`;
  const made: FailureArguments = {
    args: Array.isArray(args) ? args : [],
    kwargs: isRecord(kwargs) ? kwargs : {},
  };
  const stack = Array.isArray(tb) && tb.length > 0 ? tb.map(String).join('') : undefined;
  if (isRecord(portico) && typeof portico.type === 'string') {
    return { ...failureIn({ ...portico, message }), stack, made };
  }
  return {
    ...(OWN.get(name) ?? { type: name }),
    message: typeof message === 'string' ? message : '',
    data: made.kwargs,
    remote: { host: '', binary: '' },
    stack,
    made,
  };
}
