/** `portico/sqlite`: one way to open a database. */
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
