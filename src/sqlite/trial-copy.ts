/** Copies of databases for apps that are built to be checked: what they create and migrate is in no file that serves. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ignoreErrors } from '../errors/index.js';
import { cannotOpen, type Database, openDatabase } from './database.js';

/** Rows of each table in a copy: enough for a table of migrations. */
const ROWS = 1000;

/** A file for a trial; `remove` deletes it. */
export interface TrialCopy {
  readonly path: string;
  remove(): void;
}

/**
 * Returns a temporary file with the tables, indexes, views and triggers of a database, its `user_version`, and the first 1,000 rows of each
 * table, so that migrations which have run do not run again; `:memory:` if the file does not exist. What cannot be copied is left out, such as the
 * rows of a table with generated columns. Throws `PORTICO_SQLITE_OPEN` for a file that is no database.
 */
export function trialCopy(file: string): TrialCopy {
  if (!existsSync(file)) return { path: ':memory:', remove: () => undefined };
  const folder = mkdtempSync(join(tmpdir(), 'portico-trial-'));
  const path = join(folder, 'copy.db');
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const copy = openDatabase(path);
  try {
    copy.prepare('ATTACH ? AS source').run(file);
    copy.exec('PRAGMA foreign_keys = off');
    const made = copy.prepare(
      "SELECT type, name, sql FROM source.sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
    );
    // Triggers come last: they would run for the rows.
    const parts = made.all().toSorted((a, b) => ORDER.indexOf(String(a.type)) - ORDER.indexOf(String(b.type)));
    for (const { type, name, sql } of parts)
      ignoreErrors(() => copyPart(copy, String(type), String(name), String(sql)));
    const version = copy.prepare('PRAGMA source.user_version').get()?.user_version;
    copy.exec(`PRAGMA user_version = ${Number(version)}`);
    copy.close();
  } catch (error) {
    copy.close();
    remove();
    throw cannotOpen(file, error);
  }
  return { path, remove };
}

const ORDER = ['table', 'index', 'view', 'trigger'];

function copyPart(copy: Database, type: string, name: string, sql: string): void {
  copy.exec(sql);
  const table = `"${name.replaceAll('"', '""')}"`;
  if (type === 'table') copy.exec(`INSERT INTO main.${table} SELECT * FROM source.${table} LIMIT ${ROWS}`);
}
