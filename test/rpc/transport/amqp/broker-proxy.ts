/** A TCP proxy to the broker, with which a test simulates faults of the network. */
import type { TlsOptions } from 'node:tls';
import { TcpProxy } from '../../../fixtures/tcp-proxy.js';
import { brokerUrl } from './broker.js';

export class BrokerProxy extends TcpProxy {
  static open(tls?: TlsOptions): Promise<BrokerProxy> {
    return new BrokerProxy(brokerUrl, tls).listening();
  }

  /** The URL without TLS and with the default virtual host. */
  override get url(): string {
    const { username, password } = new URL(brokerUrl);
    return `amqp://${username}:${password}@127.0.0.1:${this.port}/`;
  }
}
