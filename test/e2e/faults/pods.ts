/** Pods as processes of this machine, each on a loopback address, probed and stopped as a kubelet does by a manifest. */
import { get } from 'node:http';
import { parseAllDocuments } from 'yaml';
import { type Ending, Program } from '../program.js';
import { pause } from './target.js';

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: number };
  readonly periodSeconds: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

/** The parts of a pod template that its life depends on. */
export interface PodTemplate {
  readonly env: Readonly<Record<string, string>>;
  readonly startupProbe: Probe;
  readonly readinessProbe: Probe;
  readonly graceSeconds: number;
  /** Seconds between the decision to stop a pod and its TERM. */
  readonly preStopSeconds: number;
}

/** Reads the first Deployment of a manifest. */
export function templateOf(manifest: string): PodTemplate {
  const [deployment] = parseAllDocuments(manifest).map((each) => each.toJS() as Deployed);
  const { containers, terminationGracePeriodSeconds } = deployment!.spec.template.spec;
  const { env = [], startupProbe, readinessProbe } = containers[0]!;
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  return {
    env: variables,
    startupProbe,
    readinessProbe,
    graceSeconds: terminationGracePeriodSeconds,
    preStopSeconds: 0,
  };
}

interface Deployed {
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly (Pick<PodTemplate, 'startupProbe' | 'readinessProbe'> & {
          readonly env?: readonly { readonly name: string; readonly value: string }[];
        })[];
      };
    };
  };
}

/** The process of a pod. */
export interface PodProgram {
  readonly folder: string;
  /** The words after the path of Node, for a pod with this address. */
  words(host: string): readonly string[];
}

export class Pod {
  readonly host: string;
  readonly program: Program;
  isReady = false;
  /** Settles when the pod gets requests from now on, or has ended before. */
  readonly ready: Promise<void>;
  #stopping = false;
  #ended = false;
  readonly #template: PodTemplate;
  readonly #changed: (pod: Pod) => void;

  /** `changed` is called when the pod becomes ready, no longer is, or begins to stop. */
  constructor(host: string, { folder, words }: PodProgram, template: PodTemplate, changed: (pod: Pod) => void) {
    this.host = host;
    this.#template = template;
    this.#changed = changed;
    // Each pod has a separate address and file system.
    const own = Object.entries(template.env).map(([name, value]) => [name, value.replace('0.0.0.0', host)] as const);
    const env = { ...Object.fromEntries(own), PORTICO_CONTROL__SOCKET: '' };
    this.program = new Program(process.execPath, words(host), { cwd: folder, env });
    void this.program.ended.then(() => {
      this.#ended = true;
      this.#tell(false);
    });
    this.ready = this.#probe();
  }

  /** Stops it as a kubelet does: `preStop`, SIGTERM, and SIGKILL at the end of the grace period. Settles when it has ended. */
  async stop(): Promise<Ending & { readonly killed: boolean }> {
    const { graceSeconds, preStopSeconds } = this.#template;
    this.#stopping = true;
    this.#tell(false);
    let killed = false;
    const kill = setTimeout(() => {
      killed = true;
      void this.program.end();
    }, graceSeconds * 1000);
    await pause(preStopSeconds * 1000);
    this.program.kill('SIGTERM');
    const ending = await this.program.ended;
    clearTimeout(kill);
    return { ...ending, killed };
  }

  /** The startup probe until it succeeds, then the readiness probe until the pod stops. */
  async #probe(): Promise<void> {
    const { startupProbe, readinessProbe } = this.#template;
    const over = this.program.ended.then(() => false);
    while (!(await Promise.race([this.#asks(startupProbe), over]))) {
      if (this.#ended) return;
      await pause(startupProbe.periodSeconds * 1000);
    }
    await new Promise<void>((settle) => void this.#watch(readinessProbe, settle));
  }

  async #watch(probe: Probe, first: () => void): Promise<void> {
    let failures = 0;
    while (!this.#stopping && !this.#ended) {
      failures = (await this.#asks(probe)) ? 0 : failures + 1;
      if (failures === 0) this.#tell(true);
      else if (failures >= (probe.failureThreshold ?? 3)) this.#tell(false);
      if (this.isReady) first();
      await pause(probe.periodSeconds * 1000);
    }
    first();
  }

  #tell(isReady: boolean): void {
    if (this.isReady === (isReady && !this.#stopping)) return;
    this.isReady = isReady && !this.#stopping;
    this.#changed(this);
  }

  #asks({ httpGet: { path, port }, timeoutSeconds = 1 }: Probe): Promise<boolean> {
    return new Promise((settle) => {
      const req = get({ host: this.host, port, path, agent: false, timeout: timeoutSeconds * 1000 }, (res) => {
        res.resume();
        settle(res.statusCode! >= 200 && res.statusCode! < 400);
      });
      req.on('timeout', () => req.destroy()).on('error', () => settle(false));
    });
  }
}
