/** A Service of a cluster: each new connection goes to one of the pods that its proxy knows of, which learns of changes late. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Pod } from './pods.js';

export class ClusterService {
  readonly #port: number;
  /** Milliseconds after which the proxy learns of a change, at the earliest: it learns of all in their order. */
  readonly #lags: readonly number[];
  readonly #known = new Set<Pod>();
  readonly #servers: Server[] = [];
  /** Changes that its proxy has not learned of, the oldest first. */
  readonly #coming: { readonly pod: Pod; readonly isReady: boolean }[] = [];
  #turn = 0;
  #changes = 0;
  /** Time at which it learns of the last change, on the monotonic clock. */
  #knownAt = 0;

  /** `port`: that of the API in each pod. */
  constructor(port: number, lags: readonly number[]) {
    this.#port = port;
    this.#lags = lags;
  }

  /** Reports whether it sends to these pods and to no other. */
  knows(pods: readonly Pod[]): boolean {
    return this.#known.size === pods.length && pods.every((pod) => this.#known.has(pod));
  }

  /** Takes note of a pod that has become ready, or no longer is. */
  changed(pod: Pod): void {
    const now = performance.now();
    this.#knownAt = Math.max(this.#knownAt, now + this.#lags[this.#changes++ % this.#lags.length]!);
    this.#coming.push({ pod, isReady: pod.isReady });
    // Of two timers for the same time the later one may fire first: it would remove the last pod before the next is known.
    setTimeout(() => this.#learn(), this.#knownAt - now);
  }

  #learn(): void {
    const { pod, isReady } = this.#coming.shift()!;
    if (isReady) this.#known.add(pod);
    else this.#known.delete(pod);
  }

  /** Returns a URL of it for clients that are this far away: milliseconds for each way. */
  async open(ms: number): Promise<string> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#forward(client, ms));
    this.#servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  close(): void {
    for (const server of this.#servers) server.close();
  }

  #forward(client: Socket, ms: number): void {
    const pods = [...this.#known];
    const pod = pods[this.#turn++ % pods.length];
    if (pod === undefined) {
      client.resetAndDestroy();
      return;
    }
    const server = connect({ host: pod.host, port: this.#port, allowHalfOpen: true });
    carry(client, server, ms);
    carry(server, client, ms);
  }
}

/** Carries bytes, the end and a reset of one side to the other. */
function carry(from: Socket, to: Socket, ms: number): void {
  from.on('data', (chunk: Buffer) => setTimeout(() => to.write(chunk), ms));
  from.on('end', () => setTimeout(() => to.end(), ms));
  from.on('error', () => setTimeout(() => to.resetAndDestroy(), ms));
}
