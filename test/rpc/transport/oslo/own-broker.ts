/** A separate RabbitMQ node that a test may stop, with its own name, ports and directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../e2e/program.js';

const SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** False, or the reason to skip tests with a separate broker. */
export const withoutOwnBroker = existsSync(SERVER) ? false : `no ${SERVER}`;

export class OwnBroker {
  readonly port: number;
  readonly #folder: string;
  readonly #distribution: number;
  #child: ChildProcess | undefined;

  private constructor(port: number, distribution: number) {
    this.port = port;
    this.#distribution = distribution;
    this.#folder = mkdtempSync(join(tmpdir(), 'portico-rabbitmq-'));
  }

  static async start(): Promise<OwnBroker> {
    const broker = new OwnBroker(await freePort(), await freePort());
    await broker.start();
    return broker;
  }

  get url(): string {
    return `amqp://guest:guest@127.0.0.1:${this.port}/`;
  }

  /** Starts the node and waits until it accepts connections. */
  async start(): Promise<void> {
    const folder = this.#folder;
    mkdirSync(join(folder, 'log'), { recursive: true });
    writeFileSync(join(folder, 'enabled_plugins'), '[].\n');
    writeFileSync(join(folder, 'rabbitmq.conf'), '');
    const child = spawn(SERVER, {
      env: {
        ...process.env,
        HOME: folder,
        RABBITMQ_NODENAME: `portico${this.port}@localhost`,
        RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
        RABBITMQ_NODE_PORT: String(this.port),
        RABBITMQ_DIST_PORT: String(this.#distribution),
        RABBITMQ_MNESIA_BASE: join(folder, 'mnesia'),
        RABBITMQ_LOG_BASE: join(folder, 'log'),
        RABBITMQ_PID_FILE: join(folder, 'pid'),
        RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
        RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
      },
      stdio: 'ignore',
      detached: true,
    });
    this.#child = child;
    const over = Date.now() + 120_000;
    while (!(await this.#isReachable())) {
      if (child.exitCode !== null || Date.now() > over) throw new Error(`RabbitMQ did not start: ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** Kills the node and its shell's children with SIGKILL. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    process.kill(-child.pid!, 'SIGKILL');
    await once(child, 'exit');
  }

  /** Kills the node and removes its directory. */
  async end(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #isReachable(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect({ host: '127.0.0.1', port: this.port });
      // The client sends first in AMQP. The broker responds to this protocol header.
      socket.on('connect', () => socket.write('AMQP\0\0\u0009\u0001'));
      socket.on('data', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
      socket.on('close', () => resolve(false));
    });
  }
}
