/**
 * A way to the broker that a test can cut, stop, and close: what a network does.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { brokerUrl } from './broker.js';

export class BrokerProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [client: Socket, broker: Socket]>();
  /** How many connections were made by it. */
  connections = 0;

  private constructor(tls: TlsOptions | undefined) {
    const accept = (client: Socket): void => this.#accept(client);
    this.#server = tls === undefined ? createServer(accept) : createTlsServer(tls, accept);
    // A client that does not like the certificate.
    this.#server.on('tlsClientError', () => {});
  }

  static async open(tls?: TlsOptions): Promise<BrokerProxy> {
    const proxy = new BrokerProxy(tls);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** The URL of the broker by this way. */
  get url(): string {
    const { username, password } = new URL(brokerUrl);
    return `amqp://${username}:${password}@127.0.0.1:${this.port}/`;
  }

  /** Ends all connections, as a broker that crashes. */
  cut(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
  }

  /** Nothing comes from the broker any more; what goes to it does. */
  hold(): void {
    for (const [, broker] of this.#pairs) broker.unpipe().pause();
  }

  /** Nothing goes to the broker any more, and nothing comes. */
  freeze(): void {
    this.hold();
    for (const [client] of this.#pairs) client.unpipe().pause();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    const { hostname, port } = new URL(brokerUrl);
    const broker = connect({ host: hostname, port: Number(port || 5672) });
    const pair = [client, broker] as const;
    this.#pairs.add(pair);
    this.connections += 1;
    client.pipe(broker).pipe(client);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#pairs.delete(pair);
        for (const each of pair) each.destroy();
      });
    }
  }
}
