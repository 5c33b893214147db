/**
 * What a worker does between its first instruction and its program's: it takes its configuration from the parent, and
 * makes itself known.
 */
import { ConfigurationRefused, type PorticoError } from '../../errors/index.js';
import { exitPlace, watchLoading } from '../../process/index.js';
import { type EarlyAssignment, WORKER_ID_VARIABLE } from '../../spawn/index.js';
import type { Assignment, Configure, ToWorker } from '../assignment.js';
import { type Channel, ParentLink, WORKER_LINK } from './parent-link.js';
import { startWatching } from './watch.js';

/**
 * Waits for the parent's first message and leaves a {@link ParentLink} on the process. `assigned` is the assignment's JSON, or
 * that of what to do until there is one.
 * Gives the listener of "exit" that tells the parent of an end that nobody has explained.
 */
export async function beginWork(assigned: string, releaseSignals: () => void): Promise<() => void> {
  const known = JSON.parse(assigned) as Assignment | EarlyAssignment;
  const configured = firstMessage();
  // What cannot be imported fails again when the program imports it.
  if ('preload' in known) for (const url of known.preload) import(url).catch(() => undefined);
  const first = await configured;
  if (first.arguments !== undefined) process.argv.splice(2, Number.POSITIVE_INFINITY, ...first.arguments);
  const assignment = 'preload' in known ? takeFacts(first) : known;
  // The channel alone does not keep a worker alive whose program ended without having launched anything.
  process.channel?.unref();
  const channel = process as unknown as Channel;
  const link = new ParentLink(assignment, first, { channel, releaseSignals });
  Object.defineProperty(process, WORKER_LINK, { value: link, configurable: true });
  process.on('uncaughtException', (error) => link.uncaught(error));
  process.on('beforeExit', () => void link.fail(notLaunched(assignment.service, [])));
  const loading = watchLoading();
  link.addFacts(() => {
    const now = loading();
    return now === undefined ? {} : { loading: now };
  });
  startWatching(link);
  const unexplained = (): void => link.exits(exitPlace());
  process.on('exit', unexplained);
  return unexplained;
}

/** The code of {@link notLaunched}. */
export const NOT_LAUNCHED = 'PORTICO_SERVICE_NOT_LAUNCHED';

/** The error of a worker whose program did not launch the service it is there for: the configuration changed under it. */
export function notLaunched(service: string, launched: readonly string[]): PorticoError {
  const names = launched.map((name) => `"${name}"`).join(', ');
  return new ConfigurationRefused(NOT_LAUNCHED, {
    message: `in this worker the program launched no service called "${service}"`,
    hint: names === '' ? 'It launched none at all.' : `It launched ${names}. Names must be the same in every process.`,
  });
}

/** Sockets that were sent: libuv's handles, which would close them. */
const held: unknown[] = [];

/** Settles with it, and with the descriptors of the sockets that came before it in the place of their numbers. */
function firstMessage(): Promise<Configure> {
  return new Promise((resolve) => {
    const gone = (): never => process.exit(1);
    const take = (message: ToWorker, socket?: unknown): void => {
      if (message.kind === 'socket') {
        held.push(socket);
        return;
      }
      process.off('disconnect', gone);
      process.off('message', take);
      const first = message as Configure;
      resolve(first.early === undefined ? first : { ...first, sockets: received(first.sockets) });
    };
    process.once('disconnect', gone);
    process.on('message', take);
  });
}

function received(sockets: Configure['sockets']): Configure['sockets'] {
  // One that did not arrive, for want of descriptors, fails where it is to be listened on.
  const descriptorOf = (at: number): number => (held[at] as { fd: number } | undefined)?.fd ?? -1;
  return sockets.map((own) => ({ ...own, descriptors: own.descriptors.map(descriptorOf) }));
}

/** Makes of an early worker what any other is from its first instruction. */
function takeFacts({ early }: Configure): Assignment {
  const { assignment, environment } = early!;
  Object.assign(process.env, environment);
  process.env[WORKER_ID_VARIABLE] = String(assignment.index);
  return assignment;
}
