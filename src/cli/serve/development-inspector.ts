/**
 * `--dev` with Node's inspector: one address for debuggers, which leads to the present worker. The parent's own inspector is closed, and
 * each worker has one at its own port.
 */
import { once } from 'node:events';
import { close, url } from 'node:inspector';
import { connect, createServer, type Socket } from 'node:net';
import type { HostPort } from '../../config/index.js';
import { UsageError, writeHostPort } from '../../config/internal.js';
import type { ProcessLauncher } from '../../launch/index.js';
import type { Logger } from '../../log/index.js';

const TOPIC = 'portico.development.inspector';

/** A worker at a breakpoint does not respond: a debugger is led to it regardless. */
const ANSWERS_WITHIN_MS = 300;
/** An address that arrives later is never printed; a new worker may be busy. */
const PRINTED_WITHIN_MS = 5000;

/** In a worker: responds to {@link DevelopmentInspector}. */
export function answerInspector(launcher: ProcessLauncher): void {
  launcher.answer(TOPIC, () => url());
}

/** The inspector of a worker. */
interface Inspected {
  readonly service: string | undefined;
  readonly pid: number | undefined;
  readonly url: string;
}

/** The parent's relay between debuggers and the inspector of a worker. */
export class DevelopmentInspector {
  readonly #address: HostPort | undefined;
  readonly #clients = new Set<Socket>();
  #launcher: ProcessLauncher | undefined;
  /** Inspectors of the workers that serve. */
  #known: readonly Inspected[] = [];
  /** URL that the relay leads to: that of a worker of the first service. */
  #led: string | undefined;
  /** URLs that were printed. */
  #told: ReadonlySet<string> = new Set();

  /** `address`: its address; undefined if that is taken. */
  private constructor(address: HostPort | undefined) {
    this.#address = address;
  }

  /**
   * Listens if `--inspect` is set, for `api-cli` (`asked`), for Node or in `NODE_OPTIONS`; otherwise returns undefined. Must be called
   * before a worker is spawned.
   */
  static async take(asked: string | true | undefined, log: Logger): Promise<DevelopmentInspector | undefined> {
    const written = asked ?? nodesOption();
    if (written === undefined) return undefined;
    const own = asked === undefined ? url() : undefined;
    const wanted = addressOf(own === undefined ? written : new URL(own).host);
    if (own !== undefined) close();
    // As if Node had this option: workers inherit Node's options, with a port that the system chooses.
    process.execArgv.push('--inspect=0', '--inspect-publish-uid=http');
    const inspector: DevelopmentInspector = new DevelopmentInspector(
      await listening(wanted, log, (client) => void inspector.#relay(client)),
    );
    return inspector;
  }

  /** Sets the launcher of the workers. */
  lead(launcher: ProcessLauncher): void {
    this.#launcher = launcher;
  }

  /** Prints the addresses of new inspectors in Node's words, which tools read. */
  async tell(): Promise<void> {
    await this.#look(PRINTED_WITHIN_MS);
    const before = this.#told;
    this.#told = new Set(this.#known.map(({ url }) => url));
    for (const each of this.#told) {
      if (before.has(each)) continue;
      const shown = each === this.#led && this.#address !== undefined ? movedTo(each, this.#address) : each;
      process.stderr.write(`Debugger listening on ${shown}\n`);
    }
  }

  /** Finds the inspectors of the workers that serve; a worker that does not respond keeps its previous one. */
  async #look(timeoutMs: number): Promise<void> {
    const answers = (await this.#launcher?.ask(TOPIC, undefined, { timeoutMs })) ?? [];
    const found = answers.flatMap(({ service, pid, body }): Inspected[] => {
      const isIt = (one: Inspected): boolean => one.service === service && one.pid === pid;
      const url = typeof body === 'string' ? body : this.#known.find(isIt)?.url;
      return url === undefined ? [] : [{ service, pid, url }];
    });
    if (found.length === 0) return;
    this.#known = found;
    // The newest: a worker that a reload has replaced may still respond.
    const led = found.findLast(({ service }) => service === answers[0]!.service)?.url;
    // A debugger that stays connected to a replaced worker would keep it from ending.
    if (led !== this.#led) for (const client of this.#clients) client.destroy();
    this.#led = led;
  }

  async #relay(client: Socket): Promise<void> {
    client.on('error', () => client.destroy());
    // Without a known inspector there is nothing else to lead to: a worker on a busy machine gets the longer time.
    await this.#look(this.#led === undefined ? PRINTED_WITHIN_MS : ANSWERS_WITHIN_MS);
    const inspector = this.#led;
    if (inspector === undefined || client.destroyed) {
      client.destroy();
      return;
    }
    const { hostname, port } = new URL(inspector);
    const worker = connect(Number(port), bare(hostname));
    worker.on('error', () => client.destroy());
    worker.on('close', () => client.destroy());
    client.on('close', () => {
      this.#clients.delete(client);
      worker.destroy();
    });
    this.#clients.add(client);
    client.pipe(worker).pipe(client);
  }
}

/**
 * Returns the value of Node's own `--inspect`, an empty text if it has none. Debuggers that open an inspector themselves are not affected.
 */
function nodesOption(): string | undefined {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  const option = words.findLast((word) => /^--inspect(?:=|$)/.test(word));
  return option?.slice('--inspect='.length);
}

/** Parses `[host:]port` with Node's defaults. */
function addressOf(written: string | true): HostPort {
  const found = /^(?:(.+):)?(\d*)$/.exec(written === true ? '' : written);
  const [, host = '127.0.0.1', port = ''] = found ?? [];
  const number = port === '' ? 9229 : Number(port);
  if (found === null || number > 65_535) {
    throw new UsageError(
      `--inspect takes a port, or host:port, not ${JSON.stringify(written)}`,
      'As in: --inspect=9230',
    );
  }
  return { host: bare(host), port: number };
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** Listens for debuggers. A port that another process holds does not prevent serving: then the address of each worker is printed. */
async function listening(
  { host, port }: HostPort,
  log: Logger,
  connected: (client: Socket) => void,
): Promise<HostPort | undefined> {
  const server = createServer(connected).listen(port, host).unref();
  try {
    await once(server, 'listening');
  } catch (error) {
    log.warn(`the inspector cannot listen on ${host}:${port}: ${(error as Error).message}`);
    return undefined;
  }
  const address = server.address();
  return { host, port: typeof address === 'object' && address !== null ? address.port : port };
}

/** Returns the URL of an inspector at another address. */
function movedTo(inspector: string, address: HostPort): string {
  return `ws://${writeHostPort(address)}${new URL(inspector).pathname}`;
}
