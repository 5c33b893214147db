/** A Python process with Debian's oslo.messaging, for tests. It serves a topic, makes calls, and listens to notifications. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { brokerUrl, withBroker, withoutBroker } from '../amqp/broker.js';

/** The same broker, with the wire format of oslo.messaging. */
export const osloUrl = brokerUrl.replace(/^amqp:/, 'oslo+rabbit:');
const pythonUrl = brokerUrl.replace(/^amqp:/, 'rabbit:');

/** Debian's Python: others do not find its packages. */
const PYTHON = '/usr/bin/python3';

/** False, or the reason to skip tests with Python. */
export const withoutPython = withoutBroker || withoutOslo();

const program = fileURLToPath(new URL('../../../../test/rpc/transport/oslo/peer.py', import.meta.url));

/** The exception of a failed command. */
export interface PythonError {
  readonly type: string;
  readonly module: string;
  readonly bases: readonly string[];
  readonly message: string;
  readonly kwargs: Readonly<Record<string, unknown>> | null;
  readonly exc_type: string | null;
  readonly value: string | null;
}

export class PythonFailure extends Error {
  readonly error: PythonError;
  constructor(error: PythonError) {
    super(`${error.module}.${error.type}: ${error.message}`);
    this.error = error;
  }
}

/** An event that the process reports without a command. */
export interface PythonEvent extends Readonly<Record<string, unknown>> {
  readonly event: string;
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: PythonError;
}

export class PythonPeer {
  readonly exchange: string;
  readonly topic = `t${randomUUID().slice(0, 8)}`;
  readonly child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #events: PythonEvent[] = [];
  readonly #asked: { readonly fits: (event: PythonEvent) => boolean; readonly take: (event: PythonEvent) => void }[] =
    [];
  #errors = '';
  #last = 0;

  private constructor(exchange: string) {
    this.exchange = exchange;
    this.child = spawn(PYTHON, [program], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.#take(line));
    this.child.on('exit', (code) => {
      for (const take of this.#waiting.values()) {
        const message = `Python ended with ${code}: ${this.#errors}`;
        take({ error: { type: 'Exit', module: '', bases: [], message, kwargs: null, exc_type: null, value: null } });
      }
    });
  }

  /** The text of its log. */
  get log(): string {
    return this.#errors;
  }

  /** Starts the process. `options` are those of `[oslo_messaging_rabbit]`; `url` is the broker's, `amqp://…`. */
  static async start({
    exchange = `x${randomUUID().slice(0, 8)}`,
    options = {},
    ping = false,
    url = pythonUrl,
  }: {
    readonly exchange?: string;
    readonly options?: Readonly<Record<string, unknown>>;
    readonly ping?: boolean;
    readonly url?: string;
  } = {}): Promise<PythonPeer> {
    const peer = new PythonPeer(exchange);
    await peer.do('open', { url: url.replace(/^amqp:/, 'rabbit:'), exchange, options, ping });
    return peer;
  }

  /** Sends a command and returns its result. Rejects with {@link PythonFailure}. */
  do<T = unknown>(what: string, given: object = {}): Promise<T> {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error === undefined) resolve(result as T);
        else reject(new PythonFailure(error));
      });
      this.child.stdin!.write(`${JSON.stringify({ id, do: what, with: given })}\n`);
    });
  }

  serve(server: string, topic: string = this.topic): Promise<void> {
    return this.do('serve', { server, topic });
  }

  /** Calls a method of the topic, or of the members in `target`. */
  call<T = unknown>(method: string, args: object = {}, target: object = {}): Promise<T> {
    return this.do('call', { topic: this.topic, method, args, ...target });
  }

  /** Returns the next event of a kind that has not been returned yet. */
  event(kind: string, fits: (event: PythonEvent) => boolean = () => true): Promise<PythonEvent> {
    const wanted = (event: PythonEvent): boolean => event.event === kind && fits(event);
    const at = this.#events.findIndex(wanted);
    if (at !== -1) return Promise.resolve(this.#events.splice(at, 1)[0]!);
    return new Promise((take) => this.#asked.push({ fits: wanted, take }));
  }

  /** Ends the process, and deletes the queues of its topic and of `topics`. */
  async end(topics: readonly string[] = []): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.stdin!.end();
      await once(this.child, 'exit');
    }
    for (const topic of [this.topic, ...topics]) await deleteOsloTopic(this.exchange, topic);
  }

  #take(line: string): void {
    const read = JSON.parse(line) as Answer & PythonEvent;
    if (read.id !== undefined) {
      this.#waiting.get(read.id)?.(read);
      return;
    }
    const at = this.#asked.findIndex(({ fits }) => fits(read));
    if (at === -1) this.#events.push(read);
    else this.#asked.splice(at, 1)[0]!.take(read);
  }
}

/** Deletes the queues and exchanges that services of a topic left on the broker, but for an exchange that other tests use. */
export async function deleteOsloTopic(exchange: string, topic: string, hosts: readonly string[] = []): Promise<void> {
  await withBroker(async (connection) => {
    const servers = [...hosts, 'python', 'node', 'north', 'south', 'east', 'west', 'info', 'error'];
    for (const queue of [topic, ...servers.map((host) => `${topic}.${host}`)]) {
      await connection.queueDelete({ queue });
    }
    await connection.queueDelete({ queue: `${exchange}.dead` });
    for (const name of [`${exchange}.dlx`, `${topic}_fanout`, `${topic}_portico`])
      await connection.exchangeDelete({ exchange: name });
    if (exchange !== '') await connection.exchangeDelete({ exchange, ifUnused: true }).catch(onlyInUse);
  });
}

function onlyInUse(error: unknown): void {
  if ((error as { code?: unknown }).code !== 'PRECONDITION_FAILED') throw error;
}

function withoutOslo(): string | false {
  // Importing the package would take a second of each file that asks.
  const find = "import importlib.util, sys; sys.exit(importlib.util.find_spec('oslo_messaging') is None)";
  try {
    execFileSync(PYTHON, ['-c', find], { stdio: 'ignore' });
    return false;
  } catch {
    return `no oslo.messaging of ${PYTHON} (Debian: python3-oslo.messaging)`;
  }
}
