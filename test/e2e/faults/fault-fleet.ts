/** A Portico project as a {@link Target}: `api-cli` with the API `hello` and the other APIs a test asks for. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makePair } from '../../server/certificate-files.js';
import { type Ending, emptyProject, freePort, type Program, startApiCli, type UntilEnd } from '../program.js';
import { childrenOf, isAlive, type Target, until } from './target.js';

/** The module `app.js` of the API: the paths of a {@link Target}, and those that block or spin. */
export const faultApp = `
import { existsSync } from 'node:fs';
const large = Buffer.alloc(8 * 1024 * 1024, 'x');
// Its event loop is stuck, and the processor is free for the others.
const spin = () => { for (const cell = new Int32Array(new SharedArrayBuffer(4)); ; ) Atomics.wait(cell, 0, 0, 5); };
export const app = (globalConf, localConf) => {
  if (existsSync(localConf.get('fails_with') ?? '')) process.exit(7);
  const word = localConf.get('word');
  const block = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
  if (word.startsWith('slow')) block(600);
  const text = word + ' ' + process.pid;
  return (req, res) => {
    if (req.method === 'POST') {
      let bytes = 0;
      req.on('data', (chunk) => { bytes += chunk.length; });
      req.on('end', () => res.end(String(bytes)));
      req.on('error', () => {});
    } else if (req.url === '/slow') setTimeout(() => res.end(text), 2000);
    else if (req.url === '/work') setTimeout(() => res.end(text), 60_000);
    else if (req.url === '/large') res.end(large);
    else if (req.url === '/block') { block(1000); res.end(text); }
    else if (req.url === '/spin') spin();
    else if (req.url === '/spin-soon') {
      res.writeHead(200).flushHeaders();
      setImmediate(spin);
    }
    else res.end(text);
  };
};
`;

/** The parts of a fleet beside the API `hello`. */
export interface FleetPlan {
  /** Default 2. */
  readonly workers?: number;
  /** More options, by group. */
  readonly options?: Readonly<Record<string, string>>;
  /** A second API, `secure`, that speaks TLS. */
  readonly secure?: boolean;
  /** A second API, `frail`, whose workers exit at their start while the file `frail` exists. */
  readonly frail?: boolean;
}

/** One line of the fleet's log. */
export interface LogLine {
  readonly event?: string;
  readonly msg?: string;
  readonly [fact: string]: unknown;
}

export class FaultFleet implements Target {
  readonly url: string;
  readonly secureUrl?: string;
  readonly frailUrl: string;
  readonly ended: Promise<Ending>;
  readonly #program: Program;
  readonly #folder: string;
  readonly #known = new Set<number>();
  readonly #lines: LogLine[] = [];
  /** Length of the log that these lines are of. */
  #read = 0;

  private constructor(program: Program, ports: number[], project: { folder: string }, secure: boolean) {
    this.#program = program;
    this.#folder = project.folder;
    this.ended = program.ended;
    this.url = `http://127.0.0.1:${ports[0]}`;
    if (secure) this.secureUrl = `https://127.0.0.1:${ports[1]}`;
    this.frailUrl = `http://127.0.0.1:${ports[1]}`;
  }

  /** Starts a fleet. Settles when all its APIs serve. */
  static async start(plan: FleetPlan = {}): Promise<FaultFleet> {
    const { workers = 2, options = {}, secure = false, frail = false } = plan;
    const ports = [await freePort(), await freePort()];
    const names = ['hello', ...(secure ? ['secure'] : []), ...(frail ? ['frail'] : [])];
    const groups = new Map<string, string[]>([['DEFAULT', [`enabled_apis = ${names.join(', ')}`]]]);
    const files: Record<string, string> = { 'app.js': faultApp, 'api-paste.ini': pasteFile('first') };
    names.forEach((name, i) => {
      groups.set(`api:${name}`, [`port = ${ports[i]}`, `workers = ${workers}`]);
    });
    if (secure) {
      const { cert, key } = await makePair();
      Object.assign(files, { 'cert.pem': cert, 'key.pem': key });
      groups.get('DEFAULT')!.push('enabled_ssl_apis = secure');
    }
    for (const [name, value] of Object.entries(options)) {
      const [group, option] = name.split('.') as [string, string];
      groups.set(group, [...(groups.get(group) ?? []), `${option} = ${value}`]);
    }
    const write = (): string => [...groups].map(([name, lines]) => `[${name}]\n${lines.join('\n')}\n`).join('\n');
    files['portico.ini'] = write();
    const project = emptyProject(files);
    if (secure) {
      groups.set('ssl', [`cert_file = ${project.folder}/cert.pem`, `key_file = ${project.folder}/key.pem`]);
      writeFileSync(join(project.folder, 'portico.ini'), write());
    }
    const program = startApiCli([], { cwd: project.folder });
    const fleet = new FaultFleet(program, ports, project, secure);
    for (const name of names) await program.printed(new RegExp(`^${name}\\b.*:\\d+`, 'm'));
    fleet.workers();
    return fleet;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** The log so far, for messages of failed assertions. */
  text(): string {
    return this.#program.output();
  }

  /** The lines of the log with this event. */
  events(name: string): LogLine[] {
    return this.lines().filter(({ event }) => event === name);
  }

  /** All lines of the log. */
  lines(): readonly LogLine[] {
    const { stderr } = this.#program;
    const end = stderr.lastIndexOf('\n') + 1;
    for (const line of stderr.slice(this.#read, end).split('\n')) {
      try {
        this.#lines.push(JSON.parse(line) as LogLine);
      } catch {
        // Not a line of the log.
      }
    }
    this.#read = end;
    return this.#lines;
  }

  workers(): number[] {
    const workers = childrenOf(this.pid);
    for (const pid of workers) this.#known.add(pid);
    return workers;
  }

  /** Settles with true once exactly this many workers are alive and all of them are ready. */
  async settled(count: number): Promise<boolean> {
    return until(() => {
      const ready = new Set(this.events('worker_ready').map(({ pid }) => pid as number));
      const workers = this.workers();
      return workers.length === count && workers.every((pid) => ready.has(pid));
    });
  }

  /** The pids of all processes the fleet ever had that are still alive. */
  leftovers(): number[] {
    for (const { pid } of this.events('worker_ready')) this.#known.add(pid as number);
    return [...this.#known].filter(isAlive);
  }

  /** While this file exists, workers of `frail` exit at their start. */
  get frailFile(): string {
    return join(this.#folder, 'frail');
  }

  reload(word: string): void {
    writeFileSync(join(this.#folder, 'api-paste.ini'), pasteFile(word));
    this.signal('SIGHUP');
  }

  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return (await this.ended).code;
  }

  signal(name: NodeJS.Signals): void {
    this.#program.kill(name);
  }

  /** For the end of a test: kills every process. */
  async end(): Promise<void> {
    await this.#program.end();
  }
}

/** Its paste file; responses begin with the word. */
export function pasteFile(word: string): string {
  const app = (name: string, more = ''): string =>
    `[app:${name}]\npaste.app_factory = ./app.js:app\nword = ${word}\n${more}`;
  return `${app('hello')}\n${app('secure')}\n${app('frail', 'fails_with = %(here)s/frail\n')}`;
}

/** A fleet that ends with the test. */
export async function faultFleet(t: UntilEnd, plan: FleetPlan = {}): Promise<FaultFleet> {
  const fleet = await FaultFleet.start(plan);
  t.after(() => fleet.end());
  return fleet;
}
