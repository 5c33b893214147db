/** `portico/sqlite`: functions to open and use SQLite databases. */
export {
  type Database,
  type DatabaseOptions,
  openDatabase,
  type Row,
  type SqlValue,
  type Statement,
  snapshot,
  transaction,
} from './database.js';
export { type RecordTable, recordTable, type Stored } from './record-table.js';
