/**
 * Guards a parent against the channel of a worker. Node reads the channel and throws for bytes that are no message, and
 * for messages of its internal protocol that it does not expect; without a guard, that ends the parent.
 */
import type { ChildProcess } from 'node:child_process';
import { errorText } from '../../errors/index.js';
import { MESSAGE_BYTES } from '../worker-message.js';

/** Bytes that Node reads at once: the end of a message, and the beginning of the next. */
const READ_BYTES = 65_536;

/** Node's own handle of a channel. */
interface Pipe {
  onread(bytes: ArrayBuffer | undefined): unknown;
}

/**
 * Calls `broken` once with a fault of the child: bytes that are no message, a message that is too large, or one that a
 * listener refuses with an error. Nothing that follows it is read.
 */
export function guardChannel(child: ChildProcess, broken: (what: string) => void): void {
  let isBroken = false;
  let unread = 0;
  const end = (what: string): void => {
    if (isBroken) return;
    isBroken = true;
    broken(what);
  };
  const { emit } = child;
  child.emit = (event: string, ...rest: unknown[]): boolean => {
    if (event !== 'message' && event !== 'internalMessage') return Reflect.apply(emit, child, [event, ...rest]);
    if (isBroken) return true;
    unread = 0;
    try {
      return Reflect.apply(emit, child, [event, ...rest]);
    } catch (error) {
      end(`sent a message that cannot be handled (${errorText(error)})`);
      return true;
    }
  };
  const pipe = pipeOf(child);
  if (pipe === undefined) return;
  const read = pipe.onread;
  pipe.onread = (bytes) => {
    if (isBroken && bytes !== undefined) return;
    unread += bytes?.byteLength ?? 0;
    if (bytes !== undefined && unread > MESSAGE_BYTES + READ_BYTES)
      return end(`sent a message of more than ${MESSAGE_BYTES / 2 ** 20} MiB`);
    try {
      Reflect.apply(read, pipe, [bytes]);
    } catch (error) {
      end(`wrote bytes to its channel that are no message (${errorText(error)})`);
    }
  };
}

/** Returns Node's handle, which has no public name; undefined if it has none. */
function pipeOf(child: ChildProcess): Pipe | undefined {
  const key = Object.getOwnPropertySymbols(child).find(({ description }) => description === 'kChannelHandle');
  return key === undefined ? undefined : ((child as unknown as Record<symbol, Pipe | null>)[key] ?? undefined);
}
