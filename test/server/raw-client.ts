/** An HTTP client that sends raw bytes, also ones that no client library sends, and reads the responses. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Server } from 'portico/server';

export interface RawResponse {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

export function portOf(server: Pick<Server, 'addresses'>): number {
  const address = server.addresses[0];
  if (address === undefined || !('port' in address)) throw new Error('the server has no port');
  return address.port;
}

export class Client {
  readonly socket: Socket;
  received = '';
  readonly closed: Promise<void>;
  error: NodeJS.ErrnoException | undefined;

  constructor(port: number | Socket) {
    this.socket = typeof port === 'number' ? connect(port, '127.0.0.1') : port;
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.received += text;
    });
    this.socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error;
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => resolve());
    });
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  close(): void {
    this.socket.destroy();
  }

  /** Settles once the received text contains a match. Throws if the connection closes without one. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`closed after: ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.socket, 'data'), this.closed]);
    }
  }

  /** Removes one whole response from the received text. The response must have a content-length or end with the connection. */
  async response(): Promise<RawResponse> {
    await this.until(/\r\n\r\n/);
    const head = this.received.slice(0, this.received.indexOf('\r\n\r\n'));
    const [statusLine = '', ...lines] = head.split('\r\n');
    const headers = new Map<string, string>();
    for (const line of lines) {
      const colon = line.indexOf(':');
      headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
    }
    const rest = head.length + 4;
    const length = headers.get('content-length');
    if (headers.get('transfer-encoding') === 'chunked') await this.until(/\r\n0\r\n\r\n/);
    else if (length === undefined) await this.closed;
    else while (this.received.length < rest + Number(length)) await once(this.socket, 'data');
    const end = length === undefined ? this.received.length : rest + Number(length);
    const body = this.received.slice(rest, end);
    this.received = this.received.slice(end);
    return { status: Number(statusLine.split(' ')[1]), headers, body };
  }
}

/** Sends bytes on a new connection. Returns everything received until the server closed it. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = new Client(port);
  client.write(text);
  await client.closed;
  return client.received;
}
