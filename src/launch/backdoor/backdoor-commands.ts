/**
 * Commands of a backdoor: look at objects, tasks, threads, the configuration; take profiles.
 */

import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { writeHeapSnapshot } from 'node:v8';
import type { Config } from '../../config/index.js';
import type { Activity } from '../../tasks/index.js';
import { activityLine, requestLine } from '../report/report.js';
import { activeResources, type ReportedRequest } from '../report/report-subjects.js';

/** The part of the process that commands can see. */
export interface BackdoorView {
  /** The configuration that is shown. Default: none. */
  readonly config?: Config;
  /** Tasks and timers that are shown. Default: none. */
  readonly activity?: () => Iterable<Activity>;
  /** Requests under way that are shown. Default: none. */
  readonly requests?: () => Iterable<ReportedRequest>;
}

/** The commands of one connection; `end` is called to let go of what they hold. */
export interface BackdoorCommands {
  readonly commands: Readonly<Record<string, (...args: never[]) => unknown>>;
  readonly end: () => void;
}

export function backdoorCommands(view: BackdoorView): BackdoorCommands {
  let profiling: Session | undefined;
  const stopProfiling = (): void => {
    profiling?.disconnect();
    profiling = undefined;
  };
  const commands = {
    /** All objects of a class. */
    fo: (type: new (...args: never[]) => object): object[] => objectsOf(type),
    /** Tasks, timers and requests, with their ages: what green threads are to eventlet. */
    pgt: (): string => going(view),
    /** Native resources that hold threads and the event loop. */
    pnt: (): Record<string, number> => activeResources(),
    /** Starts a CPU profile; with a name, ends it and says which file it is in. */
    prof: (name?: string): string => {
      if (name === undefined) {
        if (profiling !== undefined) return 'a profile is already running; prof("name") ends it';
        profiling = new Session();
        profiling.connect();
        profiling.post('Profiler.enable');
        profiling.post('Profiler.start');
        return 'profiling; prof("name") ends it';
      }
      if (profiling === undefined) return 'no profile is running; prof() starts one';
      const file = fileFor(name, 'cpuprofile');
      let saved = `no profile was taken`;
      profiling.post('Profiler.stop', (error, { profile }) => {
        if (error !== null) return;
        writeFileSync(file, JSON.stringify(profile), { mode: 0o600, flag: 'wx' });
        saved = `saved ${file}`;
      });
      stopProfiling();
      return saved;
    },
    /** Writes a heap snapshot; the process stands still meanwhile. */
    heap: (name = 'portico'): string => {
      const file = writeHeapSnapshot(fileFor(name, 'heapsnapshot'));
      chmodSync(file, 0o600);
      return `saved ${file}`;
    },
    /** The configuration, secrets masked. */
    conf: (): unknown => view.config?.toJSON() ?? 'no configuration',
  };
  return { commands, end: stopProfiling };
}

/**
 * In a new directory below the temporary one, even if the name contains a path: with a random name and for this user alone,
 * so that another user cannot have put a link there.
 */
function fileFor(name: string, ending: string): string {
  return join(
    mkdtempSync(join(tmpdir(), 'portico-')),
    `${basename(String(name)).replaceAll(/[^\w.-]/g, '_') || 'portico'}.${ending}`,
  );
}

/** The inspector finds the objects of a prototype; a session within the thread answers before post() returns. */
function objectsOf(type: new (...args: never[]) => object): object[] {
  const key = `portico.backdoor.${process.hrtime.bigint()}`;
  const holder = globalThis as unknown as Record<string, unknown>;
  const session = new Session();
  session.connect();
  try {
    holder[key] = type.prototype;
    let found: object[] = [];
    session.post('Runtime.evaluate', { expression: `globalThis[${JSON.stringify(key)}]` }, (error, prototype) => {
      if (error !== null || prototype.result.objectId === undefined) return;
      session.post('Runtime.queryObjects', { prototypeObjectId: prototype.result.objectId }, (queryError, objects) => {
        if (queryError !== null || objects.objects.objectId === undefined) return;
        const functionDeclaration = `function () { globalThis[${JSON.stringify(key)}] = this; }`;
        session.post('Runtime.callFunctionOn', { functionDeclaration, objectId: objects.objects.objectId });
        found = holder[key] as object[];
      });
    });
    return [...found];
  } finally {
    delete holder[key];
    session.disconnect();
  }
}

function going({ activity, requests }: BackdoorView): string {
  const tasks = [...(activity?.() ?? [])].map(activityLine);
  const inFlight = [...(requests?.() ?? [])].map((request) => `request ${requestLine(request)}`);
  return [...tasks, ...inFlight].join('\n') || 'nothing is going on';
}
