/** `portico/sqlite`: one way to open a database. */
export {
  type Database,
  type DatabaseOptions,
  openDatabase,
  type Row,
  type SqlValue,
  type Statement,
  transaction,
} from './database.js';
