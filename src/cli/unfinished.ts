/**
 * A command that loads the application, and is ended by it before it is done.
 */
import { exitPlace } from '../process/index.js';

/** The part of `process` that is needed. */
export interface EndingProcess {
  on(event: 'exit', listener: (status: number) => void): unknown;
  off(event: 'exit', listener: (status: number) => void): unknown;
  exitCode?: number | string | null | undefined;
  readonly stderr: { write(text: string): unknown };
}

/**
 * Until the function it gives is called, the end of the process is a failure: it says what ended the command and where, and
 * the status is `status`, whatever the application has asked for.
 */
export function refuseToEnd(command: string, status: number, host: EndingProcess): () => void {
  const ended = (asked: number): void => {
    const place = exitPlace();
    const why =
      place === undefined
        ? 'something it waits for never settles, and nothing else is left to do: a top-level await of a module?'
        : `${place}: process.exit(${asked}) ended it while the application was loaded.\n  A module must not end the process that imports it: throw an error instead, or do it in the program.`;
    host.stderr.write(`error: api-cli ${command} did not come to its end: ${why}\n`);
    host.exitCode = status;
  };
  host.on('exit', ended);
  return () => host.off('exit', ended);
}
