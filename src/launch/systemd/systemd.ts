/**
 * Talking to a service manager as sd_notify(3) does.
 *
 * The sender is a child process (see `datagram.ts`), so a unit needs `NotifyAccess=all` (or `exec`).
 */
import type { Logger } from '../../log/index.js';
import { receiveDatagram, sendDatagram } from './datagram.js';

/** Where to send, and where to say that it did not work. */
export interface NotifyOptions {
  /** Holds `NOTIFY_SOCKET`. Default: the process's environment. */
  readonly env?: NodeJS.ProcessEnv;
  readonly log?: Logger;
  /** What to send; lines are separate assignments. Default `READY=1`. */
  readonly state?: string;
  /** Milliseconds that sending may take. Default 2000. */
  readonly timeoutMs?: number;
}

/** The exit status of a wait for readiness. */
export type Readiness = 0 | 1 | 2;

/**
 * Sends `READY=1`, or another state, to the socket that `NOTIFY_SOCKET` names. True when it was sent; false without such a
 * variable, and when sending failed, which is logged at debug and never an error.
 */
export async function notify(options: NotifyOptions = {}): Promise<boolean> {
  const path = (options.env ?? process.env).NOTIFY_SOCKET;
  if (path === undefined || path === '') return false;
  try {
    await sendDatagram(path, options.state ?? 'READY=1', options.timeoutMs);
    return true;
  } catch (error) {
    options.log?.debug('the service manager could not be notified', { err: error });
    return false;
  }
}

/** As {@link notify}; and removes `NOTIFY_SOCKET`, so that it happens once, but only when sending worked. */
export async function notifyOnce(options: NotifyOptions = {}): Promise<boolean> {
  const env = options.env ?? process.env;
  const sent = await notify({ ...options, env });
  if (sent) delete env.NOTIFY_SOCKET;
  return sent;
}

/**
 * Waits on a datagram socket, which it creates and removes, for a service to become ready: 0 when one of the lines that
 * come is `READY=1`, 1 when something else comes, 2 when nothing comes within `timeoutS` seconds; null waits for ever.
 * Rejects when the socket cannot be had.
 */
export async function onReady(path: string, timeoutS: number | null): Promise<Readiness> {
  const text = await receiveDatagram(path, timeoutS);
  if (text === undefined) return 2;
  return text.split('\n').includes('READY=1') ? 0 : 1;
}
