/**
 * Commands of a backdoor: they show objects, tasks, threads and the configuration, and take profiles.
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

/** Parts of the process that commands can read. */
export interface BackdoorView {
  /** Configuration to show. Default: none. */
  readonly config?: Config;
  /** Tasks and timers to show. Default: none. */
  readonly activity?: () => Iterable<Activity>;
  /** Requests in progress to show. Default: none. */
  readonly requests?: () => Iterable<ReportedRequest>;
}

/** Commands of one connection; `end` releases their resources. */
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
    /** Returns all objects of a class. */
    fo: (type: new (...args: never[]) => object): object[] => objectsOf(type),
    /** Returns tasks, timers and requests with their ages, as eventlet's backdoor does for green threads. */
    pgt: (): string => going(view),
    /** Returns native resources that keep threads and the event loop busy. */
    pnt: (): Record<string, number> => activeResources(),
    /** Starts a CPU profile; with a name, ends it and returns the file. */
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
    /** Returns the configuration with masked secrets. */
    conf: (): unknown => view.config?.toJSON() ?? 'no configuration',
  };
  return { commands, end: stopProfiling };
}

/**
 * Returns a path in a new directory below the temporary one, even if the name contains a path. The directory has a
 * random name and belongs to this user, so that no other user can have put a link there.
 */
function fileFor(name: string, ending: string): string {
  return join(
    mkdtempSync(join(tmpdir(), 'portico-')),
    `${basename(String(name)).replaceAll(/[^\w.-]/g, '_') || 'portico'}.${ending}`,
  );
}

/**
 * Returns the objects of a prototype, found by the inspector; a session within the thread answers before post()
 * returns.
 */
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
