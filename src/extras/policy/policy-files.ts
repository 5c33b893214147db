/**
 * Finds the policy files of a configuration, and joins their rules.
 */
import { readdirSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { type Diagnostic, shownPath } from 'portico/extension';
import { type FileRule, POLICY_FILE, type PolicyFile, readPolicyFile } from './policy-file.js';

/** Places of policy files. */
export interface PolicyPlaces {
  readonly policyFile: string;
  /** True if the operator has written that name: then no other is tried. */
  readonly isWritten: boolean;
  /** Returns the absolute path of a file or directory; undefined if it does not exist. */
  find(name: string): string | undefined;
}

/** Returns the path of the policy file: `policy.json` if nothing is written and there is no `policy.yaml`. */
export function policyPath({ policyFile, isWritten, find }: PolicyPlaces): string | undefined {
  const found = find(policyFile);
  return found ?? (policyFile === 'policy.yaml' && !isWritten ? find('policy.json') : undefined);
}

/** Reports whether a path may be that of a policy file: by its name, or its directory. */
export function isPolicyPath(path: string, policyFile: string, directories: readonly string[]): boolean {
  const endsIn = (whole: string, name: string): boolean => whole === name || whole.endsWith(`${sep}${name}`);
  const files = policyFile === 'policy.yaml' ? [policyFile, 'policy.json'] : [policyFile];
  return files.some((name) => endsIn(path, name)) || directories.some((name) => endsIn(dirname(path), name));
}

/** Returns the paths of the files in a directory, in the order of their names, without hidden ones and directories. */
export function pathsInDirectory(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => !name.startsWith('.'));
  const paths = names.map((name) => join(directory, name));
  return paths.filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true).sort(byCodePoint);
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Reads policy files in their order; one that cannot be read has an error. */
export function readPolicyFiles(paths: readonly string[], content: (path: string) => Buffer): PolicyFile[] {
  return paths.map((path) => {
    let bytes: Buffer;
    try {
      bytes = content(path);
    } catch (error) {
      const message = `the policy file ${shownPath(path)} cannot be read: ${(error as Error).message}`;
      const problem: Diagnostic = { severity: 'error', code: POLICY_FILE, message };
      return { rules: new Map(), problems: [problem], isBroken: true };
    }
    return readPolicyFile(path, bytes);
  });
}

/** Returns the rules of all files: of two with one name, that of the later file. */
export function joinedRules(files: readonly PolicyFile[]): Map<string, FileRule> {
  return new Map(files.flatMap(({ rules }) => [...rules]));
}
