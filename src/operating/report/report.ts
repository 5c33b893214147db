/**
 * The Guru Meditation report: the activity of a process, on demand, while it continues.
 */
import { randomUUID } from 'node:crypto';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Config, defineOptions, path } from '../../config/index.js';
import { writtenElsewhere } from '../../config/internal.js';
import type { FailedRequests, ShownRefusals } from '../../counts/index.js';
import { ownVersion, packageOf } from '../../modules/index.js';
import type { Awaitable, ServiceBase } from '../../service/index.js';
import { type Activity, DynamicLoopingCall, type PeriodicStatus } from '../../tasks/index.js';
import { within } from '../../tasks/internal.js';
import { agoText, countText, formatDuration, printable, printableLines } from '../../text/index.js';
import { activityOf, processTree, type ReportedRequest, requestsOf, type Telling, threads } from './report-subjects.js';

/** `[oslo_reports]`. */
export const reportOptions = defineOptions('oslo_reports', {
  log_dir: path({ help: 'Directory for reports. Default: standard error.' }),
  file_event_handler: path({
    restart: true,
    help: 'File whose changes cause a report, in place of SIGUSR2.',
    advanced: true,
  }),
});

writtenElsewhere(reportOptions, {
  removed: { file_event_handler_interval: 'file_event_handler is looked at once a second.' },
});

/** Seconds between two looks at `file_event_handler`: it costs next to nothing. */
const LOOK_S = 1;

/** Options of a report; all are optional. */
export interface GuruMeditationOptions {
  /** Name of the service, for the name of the file. Default `portico`. */
  readonly service?: string | (() => string);
  /** Main module of the application, whose package is the product. */
  readonly program?: string | undefined;
  readonly config?: Config | undefined;
  /** Services of this process, read for each report: their tasks, and the result of `describeWork`. */
  readonly services?: () => Iterable<ServiceBase & Telling>;
  /** In a supervisor: its workers, one line each. It serves no requests; those of its workers are in their reports. */
  readonly workers?: (() => Iterable<string>) | undefined;
  /** Output of a report without a file, and of errors about the file. Default: standard error. */
  readonly output?: { write(text: string): unknown };
  /** Clock for names of files. Default: `Date`. */
  readonly now?: () => Date;
}

/** Text of a section that an application adds. */
export type ReportSection = () => Awaitable<string>;

/** A manifest that only declares the module type (`{"type": "module"}`) does not name a package. */
const saysVersion = ({ version }: { readonly version?: string }): boolean => version !== undefined;

/** Time that a section of an application has. */
const SECTION_MS = 1000;

/** Reporter of this process. Does nothing until a report is requested. */
export class GuruMeditation {
  readonly #options: GuruMeditationOptions;
  readonly #sections: { readonly title: string; readonly text: ReportSection; readonly limitMs: number }[] = [];
  readonly #output: { write(text: string): unknown };
  #watch: DynamicLoopingCall<[]> | undefined;
  #modified = 0;

  constructor(options: GuruMeditationOptions = {}) {
    this.#options = options;
    this.#output = options.output ?? process.stderr;
  }

  /** True if a file triggers reports, so that the signal must not. */
  get triggeredByFile(): boolean {
    return this.#settings().fileEventHandler !== undefined;
  }

  /**
   * Adds a section after the built-in ones. If it fails, its error is shown; if it does not end within `limitMs`
   * (default 1000), the report notes that. The rest of the report always appears.
   */
  registerReportSection(title: string, text: ReportSection, limitMs = SECTION_MS): void {
    this.#sections.push({ title, text, limitMs });
  }

  /** Returns the report as text. */
  async report(): Promise<string> {
    const stack = new Error('here').stack ?? '';
    const { config, workers } = this.#options;
    const processesText = async (): Promise<string> =>
      [await processTree(process.pid, process.ppid), ...(workers === undefined ? [] : ['', ...workers()])].join('\n');
    const built: { title: string; text: ReportSection }[] = [
      { title: 'Package', text: () => this.#package() },
      { title: 'Threads', text: () => threads(stack) },
      { title: 'Tasks', text: () => this.#tasks() },
      { title: 'Processes', text: processesText },
      { title: 'Configuration', text: () => configuration(config) },
    ];
    const parts: string[] = [];
    for (const { title, text } of built) parts.push(`${sectionBanner(title)}\n${await sectionText(text)}`);
    // Concurrently, so that all sections together take no longer than one.
    const added = this.#sections.map(async ({ title, text, limitMs }) => {
      const shown = await within(sectionText(text), limitMs);
      return `${sectionBanner(title)}\n${shown ?? `(this section did not respond within ${limitMs} ms)`}`;
    });
    parts.push(...(await Promise.all(added)));
    return `${[`${sectionBanner('Guru Meditation')}\n${'|'.repeat(WIDTH)}`, ...parts].join('\n\n\n')}\n`;
  }

  /** Writes a report to its destination; returns the path of its file, or undefined. Never rejects. */
  async write(): Promise<string | undefined> {
    try {
      const report = await this.report();
      const { logDir } = this.#settings();
      if (logDir === undefined) {
        this.#output.write(`\n${report}`);
        return undefined;
      }
      return await this.#writeFile(logDir, report);
    } catch (error) {
      this.#output.write(
        `${error instanceof Error ? error.stack : String(error)}\nUnable to run Guru Meditation Report!\n`,
      );
      return undefined;
    }
  }

  /** Watches the file that triggers reports, if one is set. Does not keep the process alive. */
  start(): void {
    const { fileEventHandler } = this.#settings();
    if (fileEventHandler === undefined || this.#watch !== undefined) return;
    const lookAtFile = async (): Promise<number> => {
      const modified = await modificationTime(fileEventHandler);
      if (this.#modified !== 0 && modified > this.#modified) await this.write();
      this.#modified = modified || this.#modified || 1;
      return LOOK_S;
    };
    this.#watch = new DynamicLoopingCall(lookAtFile);
    this.#watch.start({ unref: true, stopOnException: false });
  }

  async stop(): Promise<void> {
    this.#watch?.stop();
    await this.#watch?.wait();
    this.#watch = undefined;
  }

  get #service(): string {
    const { service = 'portico' } = this.#options;
    return typeof service === 'string' ? service : service();
  }

  #settings() {
    const none = { logDir: undefined, fileEventHandler: undefined };
    return this.#options.config?.group('oslo_reports', reportOptions) ?? none;
  }

  async #writeFile(folder: string, report: string): Promise<string | undefined> {
    const { now = () => new Date() } = this.#options;
    const time = now()
      .toISOString()
      .replaceAll(/[-:T]|\..*$/g, '');
    // Contains the pid, so that concurrent workers do not overwrite each other.
    const file = join(folder, `${this.#service.replaceAll(/[^\w.-]/g, '_')}_gurumeditation_${time}_${process.pid}`);
    try {
      return await writeNew(file, report);
    } catch (error) {
      this.#output.write(
        `the Guru Meditation report could not be written to ${file}: ${(error as Error).message}\n${report}`,
      );
      return undefined;
    }
  }

  #package(): string {
    const { program } = this.#options;
    const own = program === undefined ? undefined : packageOf(program, saysVersion)?.manifest;
    return pairs({
      product: own?.name ?? this.#service,
      vendor: 'none',
      version: own?.version ?? 'none',
      portico: ownVersion() ?? 'none',
      node: process.version,
      v8: process.versions.v8,
      uptime: formatDuration(process.uptime()),
    });
  }

  #tasks(): string {
    const { services = () => [], workers } = this.#options;
    const all = [...services()];
    const periodic = all.flatMap(({ periodicTasks = [] }) => periodicTasks.flatMap((tasks) => [...tasks.status()]));
    const block = (title: string, lines: readonly string[]): string =>
      `${title}:\n${lines.length === 0 ? '  none' : lines.map((line) => `  ${printable(line)}`).join('\n')}`;
    return [
      block('Tasks and timers', activityOf(all).map(activityLine)),
      block('Periodic tasks', periodic.map(periodicLine)),
      ...(workers === undefined ? [block('Requests in flight', requestsOf(all).map(requestLine))] : []),
      block(
        'Errors of the last ten minutes',
        all.flatMap(({ meter }) => errorLines(meter?.failures ?? [])),
      ),
      block(
        'Open requests and tasks',
        all.flatMap((service) => service.describeWork?.() ?? []),
      ),
    ].join('\n\n');
  }
}

export function activityLine({ kind, name, state, ageMs }: Activity): string {
  return `${kind} ${name}: ${state}, for ${formatDuration(ageMs / 1000)}`;
}

export function requestLine({ method, path, ageMs }: ReportedRequest): string {
  return `${method} ${path.split('?', 1)[0]}: for ${formatDuration(ageMs / 1000)}`;
}

async function sectionText(text: ReportSection): Promise<string> {
  try {
    return printableLines(await text());
  } catch (error) {
    return `(this section failed)\n${error instanceof Error ? error.stack : String(error)}`;
  }
}

function periodicLine({
  name,
  spacing,
  running,
  runningFor,
  runs,
  errors,
  lastStartAgo,
  lastError,
  nextIn,
}: PeriodicStatus): string {
  const last = lastStartAgo === undefined ? 'never ran' : `last run ${agoText(lastStartAgo)}`;
  const next = nextIn === undefined ? 'not scheduled yet' : `next in ${formatDuration(Math.max(0, nextIn))}`;
  const failed = lastError === undefined ? '' : `, last error: ${lastError}`;
  const since = runningFor === undefined ? '' : ` for ${formatDuration(runningFor)}`;
  const state = running ? `running${since}, ` : '';
  return `${name}: ${state}every ${formatDuration(spacing)}, ${runs} runs, ${errors} errors, ${last}, ${next}${failed}`;
}

/** Returns `default:` first, then each group; options sorted by name, secrets masked by the configuration. */
function configuration(config: Config | undefined): string {
  if (config === undefined) return '(no configuration)';
  const { DEFAULT = {}, ...groups } = config.toJSON();
  const sorted = Object.entries(groups).sort(([a], [b]) => (a < b ? -1 : 1));
  return [['default', DEFAULT] as const, ...sorted]
    .map(([name, options]) => {
      const byName = Object.entries(options).sort(([a], [b]) => (a < b ? -1 : 1));
      return `${name}:\n${pairs(Object.fromEntries(byName), '  ')}`;
    })
    .join('\n\n');
}

/** If the file exists, or is a link that another user may have put there, uses another name. */
async function writeNew(file: string, text: string): Promise<string> {
  try {
    await writeFile(file, text, { mode: 0o600, flag: 'wx' });
    return file;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const other = `${file}_${randomUUID()}`;
    await writeFile(other, text, { mode: 0o600, flag: 'wx' });
    return other;
  }
}

/** Returns 0 for a missing file: its creation counts as its modification. */
async function modificationTime(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.mtimeMs ?? 0;
}

/** Banners of 72 columns, as in oslo.reports. */
const WIDTH = 72;

/** Returns the three lines of a banner. As in Python's `'{:^64}'`, an odd space goes to the right. */
function sectionBanner(title: string): string {
  const rule = '='.repeat(WIDTH);
  const width = WIDTH - 8;
  const centred = title.padStart(Math.floor((width + title.length) / 2)).padEnd(width);
  return `${rule}\n====${centred}====\n${rule}`;
}

/** Returns lines of `key = value`. */
function pairs(values: Readonly<Record<string, unknown>>, indent = ''): string {
  return Object.entries(values)
    .map(([key, value]) => `${indent}${key} = ${printable(String(value))}`)
    .join('\n');
}

/** Returns a line for each of the failed requests of the last ten minutes. */
export function errorLines(errors: readonly FailedRequests[]): string[] {
  return errors.map(({ route, error, place, count, at, requestId }) => {
    const where = place === undefined ? '' : ` at ${place}`;
    const request = requestId === undefined ? '' : `, request ${requestId}`;
    return `${route}: ${error}${where}, ${countText(count, 'time')}, last ${at}${request}`;
  });
}

/** Returns a line for each reason of the refused requests of the last ten minutes: `429 rate limit: 120 times, most from 192.0.2.7, last 2026-01-01T00:00:00.000Z`. */
export function refusalLines(refusals: readonly ShownRefusals[]): string[] {
  return refusals.map(({ reason, status, count, at, address }) => {
    const from = address === undefined ? '' : `, ${count === 1 ? '' : 'most '}from ${address}`;
    return `${status === undefined ? '' : `${status} `}${reason}: ${countText(count, 'time')}${from}, last ${at}`;
  });
}
