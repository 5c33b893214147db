/**
 * Everything that was written about a configuration, before it is judged: files, environment and command
 * line. Plain data, so that it can cross to a worker as JSON.
 */
import { type Diagnostic, type Place, placeInFile } from '../../errors/index.js';
import type { ConfEntry, ConfSection } from '../../ini/index.js';

/** One file or external source, read. */
export interface SourceFile {
  readonly kind: 'file' | 'source';
  /** As the operator named it; what messages show. */
  readonly name: string;
  /** Absolute; what a reload reads. Empty for text that never was a file. */
  readonly path: string;
  readonly sections: readonly ConfSection[];
  readonly entries: readonly ConfEntry[];
  /** Others than the owner may read the file. */
  readonly exposed: boolean;
}

/** One `--set group.opt=value`, or an option of its own on the command line. `index` counts arguments from 1. */
export interface Argument {
  readonly group: string;
  readonly opt: string;
  readonly value: string;
  readonly index: number;
}

/** All that was written. */
export interface Sources {
  /** Lowest precedence first: external sources, files in the order named, files of directories. */
  readonly files: readonly SourceFile[];
  /** The variables of the form `<PREFIX>_<GROUP>__<OPT>`, read once. */
  readonly environment: Readonly<Record<string, string>>;
  readonly envPrefix: string;
  /** The names of variables with the prefix alone, for those that lack an underscore. */
  readonly otherVariables?: readonly string[];
  readonly arguments: readonly Argument[];
}

/** A value as written under one spelling, in one place. */
export interface Written {
  readonly group: string;
  readonly opt: string;
  readonly text: string;
  readonly location: Place;
  /** The file entry it comes from, for places within the value. */
  readonly entry?: ConfEntry;
  /** Values that code gave are not text and stay as they are. */
  readonly typed?: { readonly value: unknown };
  /** Read from a file that others may read. */
  readonly exposed?: boolean;
}

/** Reports an issue about a written value, or about the option where nothing is written. */
export type Report = (
  severity: Diagnostic['severity'],
  code: string,
  written: Written | undefined,
  rest: Partial<Diagnostic> & { readonly message: string },
) => void;

/** No sources at all. */
export const noSources: Sources = Object.freeze({ files: [], environment: {}, envPrefix: 'PORTICO', arguments: [] });

/** The values a file has for an option, in the order of the file. */
export function writtenInFile(file: SourceFile, group: string, opt: string): Written[] {
  return file.entries
    .filter((entry) => entry.section === group && entry.name === opt)
    .map((entry) => ({
      group,
      opt,
      text: entry.value,
      location: placeInFile(entry.origin, file.kind),
      entry,
      exposed: file.exposed,
    }));
}

/** The values the command line has for an option. */
export function writtenAsArgument({ arguments: writtenArguments }: Sources, group: string, opt: string): Written[] {
  return writtenArguments
    .filter((argument) => argument.group === group && argument.opt === opt)
    .map(({ value, index }) => ({
      group,
      opt,
      text: value,
      location: { kind: 'command_line', detail: `argument ${index}` },
    }));
}

/** The variable of an option: `PORTICO_API_COMPUTE__PORT` for `port` of `[api:compute]`. */
export function variableName(prefix: string, group: string, opt: string): string {
  const word = (name: string) => name.toUpperCase().replaceAll(/[-.:]/g, '_');
  return `${prefix}_${word(group)}__${word(opt)}`;
}
