/**
 * A way to the broker that a test can cut, stop, and close: what a network does.
 */
import type { TlsOptions } from 'node:tls';
import { TcpProxy } from '../../../fixtures/tcp-proxy.js';
import { brokerUrl } from './broker.js';

export class BrokerProxy extends TcpProxy {
  static open(tls?: TlsOptions): Promise<BrokerProxy> {
    return new BrokerProxy(brokerUrl, tls).listening();
  }

  /** Without the scheme of TLS, and at the virtual host of its own. */
  override get url(): string {
    const { username, password } = new URL(brokerUrl);
    return `amqp://${username}:${password}@127.0.0.1:${this.port}/`;
  }
}
