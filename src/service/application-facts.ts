/** Facts of an application for tools that start it, probe it or forward to it, such as systemd, Kubernetes and nginx. */
import type { Location } from '../errors/index.js';
import type { ListenAddress } from './service.js';

/** A listener. */
export interface ListenerFacts {
  readonly address: ListenAddress;
  /** Address for clients on this machine, also of a listener on all addresses: `127.0.0.1:8774`, `[::1]:8774` or `unix:/run/api.sock`. */
  readonly connect: string;
  /** True if other machines cannot reach it. */
  readonly isLocal: boolean;
}

/** An enabled API, with its first address. */
export interface ApiFacts extends ListenerFacts {
  readonly name: string;
  readonly usesTls: boolean;
  /** True if it refuses clients without a certificate. */
  readonly needsCertificate: boolean;
  /** Path of its health check, if its pipeline has one that probes, which have no certificate, can reach. */
  readonly health: string | undefined;
  readonly workers: number;
  /** True if `workers` is set; by default it is the number of CPUs of this machine. */
  readonly setsWorkers: boolean;
}

/** An option that names a path to write to. */
export interface WrittenPath {
  readonly group: string;
  readonly opt: string;
  /** Sockets keep their path: others look for them there. */
  readonly kind: 'directory' | 'file' | 'database' | 'socket';
  /** Value as written. */
  readonly value: string;
  /** True for logs and reports; everything else is state. */
  readonly isLog: boolean;
  /** True if the environment can set another value, which it cannot if the command line sets it. */
  readonly canMove: boolean;
}

/** Facts of an application. */
export interface ApplicationFacts {
  readonly apis: readonly ApiFacts[];
  /** Services in addition to the APIs. */
  readonly services: readonly { readonly name: string; readonly workers: number }[];
  /** True for `[DEFAULT] workers = 0`: one process serves all APIs. */
  readonly isOneProcess: boolean;
  /** Listener of operators. */
  readonly admin: ListenerFacts | undefined;
  /** Listener for probes and metrics alone. */
  readonly metrics: ListenerFacts | undefined;
  /** `main.js` of `api-cli`. */
  readonly program: string;
  /** Working directory, with the links by which it was entered. */
  readonly enteredFolder: string;
  /** Options that name the configuration, with absolute paths. `shown`: the value with secrets as `****`. */
  readonly arguments: readonly { readonly option: string; readonly value: string; readonly shown: string }[];
  /** Environment variables that set options. */
  readonly variables: readonly string[];
  /** Files that a start reads. */
  readonly files: readonly string[];
  /** Returns the paths that the application writes to, `state_path` first; with another `state_path`, to which options may refer. */
  writtenPaths(statePath?: string): readonly WrittenPath[];
  /** Options that name a file of SQLite, each with the location of its value; `group`: the section, of the configuration or of a paste file. */
  readonly databases: readonly { readonly group: string; readonly opt: string; readonly location: Location }[];
  /** Files that options name and that others must not read, as absolute paths. */
  readonly secretFiles: readonly string[];
  /** Secrets in configuration files. */
  readonly secrets: readonly { readonly group: string; readonly opt: string; readonly file: string }[];
  /** Values of options, in seconds and bytes; 0: no limit. */
  readonly options: {
    readonly logFormat: string;
    readonly gracefulShutdownTimeout: number;
    readonly drainDelay: number;
    readonly workerTimeout: number;
    readonly maxMemory: number;
    readonly maxConnections: number;
    /** 0 if each connection ends with its response. */
    readonly keepAliveTimeout: number;
    readonly clientSocketTimeout: number;
    /** `[metrics] enabled`. */
    readonly countsMetrics: boolean;
    /** `[control] socket`: undefined for a name derived from the configuration, empty for none. */
    readonly controlSocket: string | undefined;
  };
}
