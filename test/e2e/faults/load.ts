/** Concurrent clients of several kinds, which send requests until they are stopped and record every loss. */
import { Agent, type RequestOptions, request } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { isLong } from './figures.js';
import { LARGE_BYTES, pause, type Target, until } from './target.js';

/** A complete response; the text of a long one is omitted. */
export interface Reply {
  readonly status: number;
  readonly closes: boolean;
  readonly text: string;
  readonly bytes: number;
}

/** Sends one request, on a new connection unless an agent is given. Rejects when it is refused, reset or cut off. */
export function askFor(url: string, agent: Agent | false = false, withinMs = 90_000): Promise<Reply> {
  return new Promise((settle, reject) => {
    const options: RequestOptions & { rejectUnauthorized?: boolean } = { agent, rejectUnauthorized: false };
    const req = (url.startsWith('https:') ? requestTls : request)(url, options, (res) => {
      let text = '';
      let bytes = 0;
      res.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= 1024) text += chunk.toString();
      });
      res.on('end', () => {
        if (!res.complete) reject(new Error('CUT'));
        settle({ status: res.statusCode ?? 0, closes: res.headers.connection === 'close', text, bytes });
      });
      res.on('error', reject);
    });
    req.on('error', reject);
    // No request waits forever; one to `/work` takes a minute.
    req.setTimeout(withinMs, () => req.destroy(new Error('UNANSWERED')));
    req.end();
  });
}

/** Idle milliseconds after which a client of the load counts a request as unanswered. No response takes longer than two seconds. */
const UNANSWERED_MS = 20_000;

/** The number of clients of each kind: on kept or fresh connections, with slow or large responses, over TLS. */
export interface Kinds {
  readonly kept?: number;
  readonly fresh?: number;
  readonly slow?: number;
  readonly large?: number;
  readonly tlsKept?: number;
  readonly tlsFresh?: number;
}

export class Load {
  /** The number of whole responses by kind of client. */
  readonly answered = new Map<keyof Kinds, number>();
  /** Everything but a whole response below 500: the kind of client and the failure. */
  readonly lost: string[] = [];
  /** The time at which each text of a short response was first seen. */
  readonly firstSeen = new Map<string, number>();
  /** Durations of the quick requests, in milliseconds. */
  times: number[] = [];
  readonly #clients: Promise<void>[] = [];
  readonly #agents: Agent[] = [];
  #stopping = false;

  constructor(target: Target, kinds: Kinds) {
    const secure = target.secureUrl ?? target.url;
    this.#add('kept', kinds.kept, `${target.url}/`, () => this.#agent(new Agent({ keepAlive: true, maxSockets: 1 })));
    this.#add('fresh', kinds.fresh, `${target.url}/`, () => false);
    this.#add('slow', kinds.slow, `${target.url}/slow`, () =>
      this.#agent(new Agent({ keepAlive: true, maxSockets: 1 })),
    );
    this.#add('large', kinds.large, `${target.url}/large`, () => false);
    if (target.secureUrl === undefined) return;
    this.#add('tlsKept', kinds.tlsKept, `${secure}/`, () =>
      this.#agent(new TlsAgent({ keepAlive: true, maxSockets: 1 })),
    );
    this.#add('tlsFresh', kinds.tlsFresh, `${secure}/`, () => false);
  }

  /** The number of whole responses. */
  get total(): number {
    return [...this.answered.values()].reduce((sum, count) => sum + count, 0);
  }

  /** The pids of all processes that have responded. */
  get pids(): Set<number> {
    return new Set([...this.firstSeen.keys()].map((text) => Number(text.split(' ')[1])));
  }

  /** Settles after this many more responses, or after 30 s without them. */
  async more(count: number): Promise<void> {
    const goal = this.total + count;
    await until(() => this.total >= goal, 30_000);
  }

  /** Lets every client finish its request, then ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#clients);
    for (const agent of this.#agents) agent.destroy();
  }

  #agent(agent: Agent): Agent {
    this.#agents.push(agent);
    return agent;
  }

  #add(kind: keyof Kinds, count = 0, url: string, agent: () => Agent | false): void {
    for (let i = 0; i < count; i++) this.#clients.push(this.#client(kind, url, agent()));
  }

  async #client(kind: keyof Kinds, url: string, agent: Agent | false): Promise<void> {
    while (!this.#stopping) {
      const begun = performance.now();
      try {
        const { status, text, bytes } = await askFor(url, agent, UNANSWERED_MS);
        if (status >= 400) throw new Error(`STATUS ${status}`);
        const now = performance.now();
        if (kind === 'large') {
          if (bytes !== LARGE_BYTES) throw new Error(`LENGTH ${bytes}`);
        } else if (!this.firstSeen.has(text)) this.firstSeen.set(text, now);
        if (kind !== 'slow' && kind !== 'large') this.times.push(now - begun);
        this.answered.set(kind, (this.answered.get(kind) ?? 0) + 1);
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        this.lost.push(`${kind} ${code ?? message}`);
      }
      // Some twenty clients then send about four hundred requests a second; in the long run a thousand, enough to hit every gap.
      await pause(kind === 'large' ? 200 : isLong ? 15 : 45);
    }
  }
}
