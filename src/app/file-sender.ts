/** The package send, for files as responses: loaded with the first of them. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Fault } from './fault.js';

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

/** Returns the fault of an error that it has emitted; of a range outside the file, with the length of the file. */
export function fileFault(error: Error & { readonly status?: number }, res: ServerResponse): Fault {
  const { status = 500 } = error;
  const range = res.getHeader('content-range');
  const headers = status === 416 && typeof range === 'string' ? { 'content-range': range } : {};
  return new Fault(status >= 400 && status < 500 ? status : 500, { cause: error, headers });
}
