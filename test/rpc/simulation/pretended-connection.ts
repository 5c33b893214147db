/** Connections of `rabbitmq-client` over a pretended network: frames of one direction keep their order, and get lost with it. */
import { EventEmitter } from 'node:events';
import type { Clock } from 'portico/tasks';
import type { ConnectionOptions, Envelope } from 'rabbitmq-client';
import { type PretendedBroker, Refusal, type Stored } from './pretended-broker.js';
import { type BrokerChannel, PretendedChannel } from './pretended-channel.js';

/** A process at one end of connections: the host name of its URL. */
export interface NetworkPeer {
  readonly name: string;
  readonly connections: Set<PretendedConnection>;
  /** Ids of messages whose acknowledgement it has written. */
  readonly acknowledged: Set<string>;
  /** Times at which messages have last arrived, by their ids. */
  readonly arrived: Map<string, number>;
  readonly isDead: boolean;
  /** Time at which the broker can be reached again. */
  away: number;
}

/** The network, with its mishaps. */
export interface Network {
  readonly clock: Clock;
  readonly broker: PretendedBroker;
  /** The broker is down, or refuses connections. */
  readonly isDown: boolean;
  /** The broker accepts no more messages. */
  readonly isAlarmed: boolean;
  readonly heartbeatMs: number;
  peer(name: string): NetworkPeer;
  /** Milliseconds of one way. */
  latency(): number;
  /** Milliseconds from the arrival of a message to its confirmation. */
  confirmMs(): number;
  chance(share: number): boolean;
  /** The broker refuses the next message of this peer. */
  refuses(): boolean;
  /** A message arrived at the broker. Returns the number of copies to store. */
  arrived(envelope: Envelope, body: Buffer): number;
  /** An acknowledgement was written, and the broker does not listen any more. */
  unheard(id: string): void;
  /** No queue has got a message. */
  unrouted(envelope: Envelope, body: Buffer): void;
  /** The broker returns a message to its queue, because the peer's channel has ended. */
  returned(message: Stored, peer: NetworkPeer): void;
}

/** One direction of a connection. */
class Pipe {
  readonly #network: Network;
  #last = 0;
  #held: (() => void)[] | undefined;
  isClosed = false;

  constructor(network: Network) {
    this.#network = network;
  }

  send(arrive: () => void): void {
    const { clock } = this.#network;
    this.#last = Math.max(this.#last, clock.now() + this.#network.latency());
    clock.after(this.#last - clock.now(), () => {
      if (this.isClosed) return;
      if (this.#held === undefined) arrive();
      else this.#held.push(arrive);
    });
  }

  /** Nothing arrives until {@link flow}. */
  hold(): void {
    this.#held ??= [];
  }

  flow(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const arrive of held) if (!this.isClosed) arrive();
  }
}

export class PretendedConnection extends EventEmitter {
  /** The network of the present simulation. */
  static network: Network;

  readonly peer: NetworkPeer;
  readonly network = PretendedConnection.network;
  readonly up = new Pipe(this.network);
  readonly down = new Pipe(this.network);
  readonly channels = new Set<PretendedChannel>();
  /** Ends of its channels at the broker. */
  readonly served = new Set<BrokerChannel>();
  state: 'connecting' | 'open' | 'closing' | 'closed' = 'connecting';
  isServed = false;
  /** Nothing arrives any more, and its ends have not noticed it. */
  isStalled = false;
  isBlocked = false;
  #isLost = false;

  constructor({ hostname = '', connectionTimeout = 5000 }: ConnectionOptions) {
    super();
    const { clock } = this.network;
    this.peer = this.network.peer(hostname);
    this.peer.connections.add(this);
    clock.after(3 * this.network.latency(), () => {
      // One that is lost while it is being opened does not open later.
      if (this.state !== 'connecting' || this.peer.isDead || this.#isLost) return;
      const { isDown } = this.network;
      if (!isDown && clock.now() >= this.peer.away) {
        this.isServed = true;
        this.state = 'open';
        this.emit('connection');
      } else if (isDown) this.#fails('ECONNREFUSED');
      else clock.after(connectionTimeout, () => this.#fails('CONNECTION_TIMEOUT'));
    });
  }

  async acquire(): Promise<PretendedChannel> {
    if (this.state !== 'open') throw new Refusal('CLOSING', 'channel creation failed; connection is closing');
    const channel = new PretendedChannel(this);
    this.channels.add(channel);
    channel.once('close', () => this.channels.delete(channel));
    await channel.ask(() => undefined);
    return channel;
  }

  async close(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'closing';
    while (this.channels.size > 0) await new Promise((resolve) => [...this.channels][0]!.once('close', resolve));
    await new Promise<void>((resolve) => {
      this.once('closed', resolve);
      this.up.send(() => {
        this.end();
        this.down.send(() => this.ends());
      });
    });
  }

  unsafeDestroy(): void {
    if (this.state === 'closed') return;
    this.state = 'closing';
    setImmediate(() => this.ends());
    if (!this.isStalled) this.network.clock.after(this.network.latency(), () => this.end());
  }

  /** Loses the connection: its ends notice it at different times. `isSilent`: only by missing heartbeats. */
  lose(isSilent: boolean): void {
    const { clock, heartbeatMs } = this.network;
    const noticeMs = (): number => (isSilent ? heartbeatMs * 2 : 0) + 5 * this.network.latency();
    this.#isLost = true;
    if (isSilent) {
      this.isStalled = true;
      this.up.hold();
      this.down.hold();
    }
    clock.after(noticeMs(), () => this.end());
    clock.after(noticeMs(), () => this.ends(new Refusal('CONN_CLOSE', 'socket closed unexpectedly by server')));
  }

  /** A message was published while the broker has an alarm: it reads nothing more from this connection. */
  block(): void {
    if (this.isBlocked) return;
    this.isBlocked = true;
    this.up.hold();
    this.down.send(() => this.emit('connection.blocked', 'low on memory'));
  }

  unblock(): void {
    if (!this.isBlocked) return;
    this.isBlocked = false;
    if (!this.isStalled) this.up.flow();
    this.down.send(() => this.emit('connection.unblocked'));
  }

  /** The broker's end is gone: unsettled messages are returned. */
  end(): void {
    if (!this.isServed) return;
    this.isServed = false;
    this.up.isClosed = true;
    for (const channel of this.served) channel.end();
    for (const queue of this.network.broker.queues.values()) {
      if (queue.owner === this) this.network.broker.delete(queue.name);
    }
  }

  /** The peer's end is gone. */
  ends(error?: Refusal): void {
    if (this.state === 'closed') return;
    const isLost = (this.state === 'open' || this.state === 'connecting') && error !== undefined;
    this.state = 'closed';
    this.down.isClosed = true;
    this.peer.connections.delete(this);
    for (const channel of this.channels) channel.clear(error);
    this.emit('closed');
    if (isLost) this.emit('error', error);
  }

  #fails(code: string): void {
    if (this.state !== 'connecting') return;
    this.peer.connections.delete(this);
    this.emit('error', new Refusal(code, code));
  }
}
