/** Says to `Config.load` that the command line of this process is a test runner's. */
Object.defineProperty(process, Symbol.for('portico.testing'), { value: true, configurable: true });
