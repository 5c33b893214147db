/** `portico/sqlite`: functions to open and use SQLite databases. */
export { type DatabaseOptions, openDatabase, snapshot, transaction } from './database.js';
export type { Database, Row, SqlValue, Statement } from './driver.js';
export { type RecordTable, recordTable, type Stored } from './record-table.js';
