/** The sample as a control plane of real processes: an API with its conductor, and hosts, by RabbitMQ and a registry. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as after } from 'node:timers/promises';
import { apiCli, emptyProject, freePort, Program, root } from '../e2e/program.js';
import { brokerUrl, deleteTopic } from '../rpc/transport/amqp/broker.js';
import { type Answer, type Asked, ask, CIRROS } from './sample-api.js';

/** Where the parts of a control plane are. */
export interface ControlPlaneOptions {
  /** The URL of the broker. */
  readonly broker?: string;
  /** The registry. Default: an SQLite file of its own. */
  readonly database?: string;
  /** How long a host works on a task. */
  readonly transitionMs?: number;
  /** In front of the command of a part: what runs it on another machine. */
  readonly within?: (host: string) => readonly string[];
}

/** A server, as an administrator sees it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read answers of every shape
export type Row = any;

export class ControlPlane {
  readonly exchange = `cloud-${randomUUID().slice(0, 8)}`;
  readonly #t: TestContext;
  readonly #options: ControlPlaneOptions;
  readonly #hosts = new Set<string>();
  readonly #programs: Program[] = [];
  #port = 0;
  readonly #database: string;

  constructor(t: TestContext, options: ControlPlaneOptions = {}) {
    this.#t = t;
    this.#options = options;
    const shared = emptyProject({});
    t.after(shared.remove);
    this.#database = options.database ?? `sqlite:///${join(shared.folder, 'services.db')}`;
    t.after(() => this.#end());
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v2.1`;
  }

  /** Runs another command of `api-cli` on a machine, with the configuration that all have. */
  async apiCli(host: string, ...args: readonly string[]): Promise<Program> {
    const program = this.#start(host, args);
    await program.ended;
    return program;
  }

  /** The API and the conductor. Settles when they serve. */
  async startControl(): Promise<Program> {
    this.#port = await freePort();
    this.#hosts.add('control');
    const program = this.#start('control', ['--enabled-apis', 'compute', '--enabled-services', 'conductor']);
    await program.printed(/Ready after/);
    return program;
  }

  /** A host. Settles when it takes calls. */
  async startHost(name: string): Promise<Program> {
    this.#hosts.add(name);
    const program = this.#start(name, ['--enabled-services', 'compute-manager']);
    await program.printed(/Ready after/);
    return program;
  }

  /** Asks the API; as administrator unless a token says otherwise. */
  ask(line: string, asked: Asked = {}): Promise<Answer> {
    const [method, path] = line.split(' ');
    return ask(this.#port, `${method} /v2.1${path}`, { version: '2.79', ...asked });
  }

  async createServer(members: object = {}): Promise<string> {
    const server = { name: 's', flavorRef: '1', imageRef: CIRROS, networks: 'none', ...members };
    const { status, text, json } = await this.ask('POST /servers', { body: { server } });
    if (status !== 202) throw new Error(`no server was made: ${status} ${text}`);
    return json.server.id;
  }

  /** The server as soon as it is so. */
  async server(id: string, is: (server: Row) => boolean): Promise<Row> {
    return eventually(async () => {
      const { json } = await this.ask(`GET /servers/${id}`);
      return json.server !== undefined && is(json.server) ? json.server : undefined;
    });
  }

  /** What `nova-compute` of a host is, as soon as it is so. */
  async serviceOf(host: string, is: (service: Row) => boolean): Promise<Row> {
    return eventually(async () => (await this.services()).find((each) => each.host === host && is(each)));
  }

  /** The services of hosts. */
  async services(): Promise<Row[]> {
    return (await this.ask('GET /os-services?binary=nova-compute')).json.services;
  }

  #start(host: string, args: readonly string[]): Program {
    const { folder, remove } = emptyProject({ 'portico.ini': this.#configuration(host) });
    const [command, ...words] = [...(this.#options.within?.(host) ?? []), process.execPath, apiCli, ...args];
    const program = new Program(command!, words, { cwd: folder });
    this.#programs.push(program);
    this.#t.after(remove);
    return program;
  }

  #configuration(host: string): string {
    const { broker = brokerUrl, transitionMs = 20 } = this.#options;
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
manager = portico/sample:ComputeManager
[service:conductor]
manager = portico/sample:Conductor
[service:compute-manager]
manager = portico/sample:HostManager
[database]
connection = ${this.#database}
[servicegroup]
driver = ${driver}
initial_delay_s = 0
[rpc]
transport_url = ${broker}?exchange=${this.exchange}
response_timeout = 5
heartbeat = 2
transient_queue_ttl = 30
retry_interval_max = 2
[sample]
transition_ms = ${transitionMs}
`;
  }

  /** All end by themselves, and delete the queues that are theirs alone; those of programs that were killed expire. */
  async #end(): Promise<void> {
    for (const program of this.#programs) program.kill('SIGTERM');
    await Promise.all(this.#programs.map((program) => program.ended));
    for (const program of this.#programs) await program.end();
    await deleteTopic(this.exchange, 'compute-manager', [...this.#hosts]);
    await deleteTopic(this.exchange, 'conductor', ['control']);
  }
}

/** What `look` gives, once that is something. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await after(50);
  }
}
