/** A project served by `api-cli`, whose configuration is rewritten and reloaded. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReloadReport } from 'portico/launch';
import { emptyProject, type Program, startProject, type UntilEnd } from './program.js';

export interface ReloadedProject {
  readonly program: Program;
  readonly folder: string;
  /** Writes `portico.ini`. */
  write(ini: string): void;
  /** Sends a signal and returns the report of the next reload. */
  reload(): Promise<ReloadReport>;
}

/** Serves a project until the test, or the file, ends. Settles once the output matches `ready`. */
export async function reloadedProject(
  t: UntilEnd,
  files: Readonly<Record<string, string>>,
  ready: RegExp,
): Promise<ReloadedProject> {
  const project = emptyProject(files);
  const program = startProject(t, project);
  await program.printed(ready);
  return {
    program,
    folder: project.folder,
    write: (ini) => writeFileSync(join(project.folder, 'portico.ini'), ini),
    reload: async () => {
      const known = reports(program).length;
      program.kill('SIGHUP');
      while (reports(program).length === known) await program.printed(/\n/, program.output().length);
      return reports(program)[known]!;
    },
  };
}

/** The reports of reloads in an application's log, oldest first. */
export function reports(program: Program): ReloadReport[] {
  const lines = program.stderr.split('\n').slice(0, -1);
  return lines.filter((line) => line.includes('"event":"reload"')).map((line) => JSON.parse(line) as ReloadReport);
}
