/** The package send, for files as responses: loaded with the first of them. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Options of the package that Portico uses. */
interface SendOptions {
  readonly root: string;
  readonly maxAge: number;
  readonly dotfiles: 'allow' | 'ignore';
  readonly index?: false | string[];
}

/** Finds a file; the result emits `directory`, `error`, `headers` and `stream`, and `pipe` sends it. */
type SendFile = (
  req: IncomingMessage,
  path: string,
  options: SendOptions,
) => EventEmitter & { pipe(res: ServerResponse): unknown };

/** Returns its function. */
export async function fileSender(): Promise<SendFile> {
  const { default: send } = await import('send');
  return send as SendFile;
}
