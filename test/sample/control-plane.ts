/** Runs the sample as a control plane of real processes, an API with its conductor, and hosts, over RabbitMQ and a registry. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { apiCli, emptyProject, freePort, Program, root, type UntilEnd } from '../e2e/program.js';
import { brokerUrl, deleteTopic } from '../rpc/transport/amqp/broker.js';
import { type Answer, type Asked, ask, CIRROS, SAMPLE } from './sample-api.js';

/** The addresses of the parts of a control plane. */
export interface ControlPlaneOptions {
  /** The URL of the broker. */
  readonly broker?: string;
  /** The URL of the registry. Default: a separate SQLite file. */
  readonly database?: string;
  /** Returns the command that runs a part on another machine; it goes in front of the part's command. */
  readonly within?: (host: string) => readonly string[];
}

/** A server as an administrator sees it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read responses of every shape
export type Row = any;

export class ControlPlane {
  readonly exchange = `cloud-${randomUUID().slice(0, 8)}`;
  readonly #options: ControlPlaneOptions;
  readonly #hosts = new Set<string>();
  readonly #programs: Program[] = [];
  readonly #servers: string[] = [];
  #port = 0;
  readonly #database: string;

  constructor(t: UntilEnd, options: ControlPlaneOptions = {}) {
    this.#options = options;
    const shared = emptyProject({});
    this.#database = options.database ?? `sqlite:///${join(shared.folder, 'services.db')}`;
    t.after(() => this.#end());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v2.1`;
  }

  /** Runs another command of `api-cli` on a machine, with the common configuration. */
  async apiCli(host: string, ...args: readonly string[]): Promise<Program> {
    const program = this.#start(host, args);
    await program.ended;
    return program;
  }

  /** Starts the API and the conductor, and waits until they are ready. */
  async startControl(): Promise<Program> {
    this.#port = await freePort();
    this.#hosts.add('control');
    const program = this.#start('control', ['--enabled-apis', 'compute', '--enabled-services', 'conductor']);
    await program.printed(/Ready after/);
    return program;
  }

  /** Starts a host and waits until it accepts calls. `transitionMs`: time that it takes for a task. */
  async startHost(name: string, transitionMs = 20): Promise<Program> {
    this.#hosts.add(name);
    const program = this.#start(name, ['--enabled-services', 'compute-manager'], transitionMs);
    await program.printed(/Ready after/);
    return program;
  }

  /** Sends a request to the API, as administrator unless `asked` has a token. */
  ask(line: string, asked: Asked = {}): Promise<Answer> {
    const [method, path] = line.split(' ');
    return ask(this.#port, `${method} /v2.1${path}`, { version: '2.79', ...asked });
  }

  async createServer(members: object = {}): Promise<string> {
    const server = { name: 's', flavorRef: '1', imageRef: CIRROS, networks: 'none', ...members };
    const { status, text, json } = await this.ask('POST /servers', { body: { server } });
    if (status !== 202) throw new Error(`no server was made: ${status} ${text}`);
    this.#servers.push(json.server.id);
    return json.server.id;
  }

  /** Deletes all servers, for the quota of the next test. */
  async deleteServers(): Promise<void> {
    for (const id of this.#servers.splice(0)) {
      await this.ask(`DELETE /servers/${id}`);
      await eventually(async () => ((await this.ask(`GET /servers/${id}`)).status === 404 ? true : undefined));
    }
  }

  /** Waits until the server meets the condition, and returns it. */
  async server(id: string, is: (server: Row) => boolean): Promise<Row> {
    return eventually(async () => {
      const { json } = await this.ask(`GET /servers/${id}`);
      return json.server !== undefined && is(json.server) ? json.server : undefined;
    });
  }

  /** Waits until the `nova-compute` service of a host meets the condition, and returns it. */
  async serviceOf(host: string, is: (service: Row) => boolean): Promise<Row> {
    return eventually(async () => (await this.services()).find((each) => each.host === host && is(each)));
  }

  /** Returns the `nova-compute` services of all hosts. */
  async services(): Promise<Row[]> {
    return (await this.ask('GET /os-services?binary=nova-compute')).json.services;
  }

  #start(host: string, args: readonly string[], transitionMs = 20): Program {
    const { folder } = emptyProject({ 'portico.ini': this.#configuration(host, transitionMs) });
    const [command, ...words] = [...(this.#options.within?.(host) ?? []), process.execPath, apiCli, ...args];
    const program = new Program(command!, words, { cwd: folder });
    this.#programs.push(program);
    return program;
  }

  #configuration(host: string, transitionMs: number): string {
    const { broker = brokerUrl } = this.#options;
    const driver = this.#database.startsWith('sqlite') ? 'sqlite' : 'postgresql';
    return `[DEFAULT]
host = ${host}
state_path = .
fault_style = openstack
api_paste_config = ${join(root, 'paste', 'api-paste.ini')}
report_interval = 1
service_down_time = 3
periodic_fuzzy_delay = 0
[api]
auth_strategy = noauth
[api:compute]
port = ${this.#port}
workers = 1
manager = ${SAMPLE}:ComputeManager
[service:conductor]
manager = ${SAMPLE}:Conductor
[service:compute-manager]
manager = ${SAMPLE}:HostManager
[database]
connection = ${this.#database}
[servicegroup]
driver = ${driver}
[rpc]
transport_url = ${broker}?exchange=${this.exchange}
response_timeout = 5
heartbeat = 2
retry_interval = 0.2
[sample]
transition_ms = ${transitionMs}
`;
  }

  /** Stops all processes gracefully and deletes their queues. Queues of killed processes expire. */
  async #end(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGTERM');
    await Promise.all(this.#programs.map((program) => program.ended));
    for (const program of this.#programs) await program.end();
    await deleteTopic(this.exchange, 'compute-manager', [...this.#hosts]);
    await deleteTopic(this.exchange, 'conductor', ['control']);
  }
}

/** Calls `look` until its result is not undefined, and returns the result. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await after(50);
  }
}
