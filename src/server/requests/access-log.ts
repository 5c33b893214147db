/**
 * One line for each request that reached the app, in the form an operator chose with `[wsgi] log_format`.
 */
import type { ServerResponse } from 'node:http';
import { environ, quoteClient, remoteOf } from '../../app/index.js';
import { noteAddress, sentBytes, targetMask } from '../../app/internal.js';
import type { Logger } from '../../log/index.js';
import { printable } from '../../text/index.js';
import type { Exchange } from '../connections/connections.js';
import { compileLogFormat, type LogFormat } from './log-format.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const maskTarget = targetMask([]);

/** Writes nothing while there is no template. */
export class AccessLog {
  readonly #log: Logger;
  #format: LogFormat | undefined;
  readonly #begun = new WeakMap<ServerResponse, number>();

  constructor(log: Logger, template: string | undefined) {
    this.#log = log;
    this.template = template;
  }

  /** Lines look like this from now on. Throws `InvalidValue` for a field that does not exist. */
  set template(template: string | undefined) {
    this.#format = template === undefined ? undefined : compileLogFormat(template);
  }

  /** The app is about to be called. */
  begin({ req, res }: Exchange): void {
    if (this.#format === undefined) return;
    this.#begun.set(res, performance.now());
    noteAddress(req);
  }

  /** The response is done with: sent, or its client is gone, which counts as 499 where it had not seen the head. */
  end({ req, res }: Exchange): void {
    const begun = this.#format === undefined ? undefined : this.#begun.get(res);
    if (begun === undefined) return;
    const { originalUrl } = environ(req);
    const line = this.#format?.({
      client_ip: remoteOf(req).address,
      date_time: localTime(new Date()),
      request_line: quoteClient(`${req.method} ${maskTarget(originalUrl)} HTTP/${req.httpVersion}`),
      status_code: res.headersSent ? res.statusCode : 499,
      body_length: sentBytes(res),
      wall_seconds: (performance.now() - begun) / 1000,
    });
    if (line !== undefined) this.#log.info(printable(line));
  }
}

function localTime(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
