/**
 * What a worker does between its first instruction and its program's: it takes its configuration from the parent, and
 * makes itself known.
 */
import { ConfigurationRefused, type PorticoError } from '../../errors/index.js';
import { exitPlace, watchLoading } from '../../process/index.js';
import type { Assignment, Configure } from '../assignment.js';
import { type Channel, ParentLink, WORKER_LINK } from './parent-link.js';
import { startWatching } from './watch.js';

/**
 * Waits for the parent's first message and leaves a {@link ParentLink} on the process. `assigned` is the assignment's JSON.
 * Gives the listener of "exit" that tells the parent of an end that was not reported before.
 */
export async function beginWork(assigned: string, releaseSignals: () => void): Promise<() => void> {
  const assignment = JSON.parse(assigned) as Assignment;
  const first = await firstMessage();
  if (first.arguments !== undefined) process.argv.splice(2, Number.POSITIVE_INFINITY, ...first.arguments);
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

function firstMessage(): Promise<Configure> {
  return new Promise((resolve) => {
    const gone = (): never => process.exit(1);
    process.once('disconnect', gone);
    process.once('message', (message) => {
      process.off('disconnect', gone);
      resolve(message as Configure);
    });
  });
}
