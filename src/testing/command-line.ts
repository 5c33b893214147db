/** Marks the command line of this process as a test runner's, for `Config.load`. */
Object.defineProperty(process, Symbol.for('portico.testing'), { value: true, configurable: true });
