/** A client that sends one request. Clients that repeat requests and count losses are in `faults/load.ts`. */
import { once } from 'node:events';
import { type Agent, type IncomingMessage, request } from 'node:http';

/** A complete response. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** Sends one request. Rejects when it is refused, reset or cut off. */
export function ask(
  url: string,
  options: { method?: string; headers?: Record<string, string>; body?: string; agent?: Agent | false } = {},
): Promise<Answer> {
  return new Promise((settle, reject) => {
    const { method = 'GET', headers = {}, body, agent = false } = options;
    const req = request(url, { method, headers, agent }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
      });
      res.on('end', () => {
        if (res.complete) settle({ status: res.statusCode ?? 0, headers: res.headers, text });
        else reject(new Error('the answer was cut'));
      });
      res.on('error', reject);
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** Sends one request to a port of this machine, as {@link ask}. */
export function askPort(port: number, path: string, options: Parameters<typeof ask>[1] = {}): Promise<Answer> {
  return ask(`http://127.0.0.1:${port}${path}`, options);
}

/** Sends a request to a control socket, as `curl --unix-socket` does. */
export async function askSocket<T>(
  socketPath: string,
  method: string,
  path: string,
  body = '',
): Promise<{ status: number; body: T }> {
  const [res] = (await once(request({ socketPath, method, path }).end(body), 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of res) text += String(chunk);
  return { status: res.statusCode!, body: JSON.parse(text) as T };
}
