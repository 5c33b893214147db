/**
 * Clients that count what they lose: some keep their connection, some open a new one for each request.
 */
import { Agent, type IncomingMessage, request } from 'node:http';

/** A complete answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

/** One request; rejects when it is refused, reset or cut. */
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

/** What a crowd of clients has seen. */
export interface Tally {
  answered: number;
  /** Everything that was no whole answer below 500, in words. */
  readonly lost: string[];
  /** The texts of answers with how often each came. */
  readonly texts: Map<string, number>;
}

/** A crowd of clients that ask until they are told to stop. */
export class Crowd {
  readonly tally: Tally = { answered: 0, lost: [], texts: new Map() };
  readonly #clients: Promise<void>[] = [];
  readonly #agents: Agent[] = [];
  #stopping = false;

  constructor(url: string, counts: { kept: number; fresh: number }, headers: Record<string, string> = {}) {
    for (let i = 0; i < counts.kept; i++) {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      this.#agents.push(agent);
      this.#clients.push(this.#client(url, agent, headers));
    }
    for (let i = 0; i < counts.fresh; i++) this.#clients.push(this.#client(url, false, headers));
  }

  /** Settles once this many more requests were answered. */
  async answered(more: number): Promise<void> {
    const goal = this.tally.answered + more;
    while (this.tally.answered < goal && this.tally.lost.length < 1000) await turn();
  }

  /** Lets every client finish its request, and ends. */
  async stop(): Promise<Tally> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
    return this.tally;
  }

  async #client(url: string, agent: Agent | false, headers: Record<string, string>): Promise<void> {
    for (let n = 0; n < 100_000 && !this.#stopping; n++) {
      try {
        const { status, text } = await ask(url, { agent, headers });
        this.tally.texts.set(text, (this.tally.texts.get(text) ?? 0) + 1);
        if (status >= 500) this.tally.lost.push(`status ${status}`);
        else this.tally.answered += 1;
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.tally.lost.push(code ?? message);
      }
      await turn();
    }
  }
}

/** A breath between requests: some 10 ms with 40 clients are a few thousand requests a second, enough to catch a gap. */
function turn(): Promise<void> {
  return new Promise((settle) => setTimeout(settle, 10));
}
