// A reporter for mocha: a line of JSON for each test that passed or failed, written at once.
const { appendFileSync } = require('node:fs');

module.exports = function results(runner) {
  const tell = (test, error) => {
    const result = { title: test.fullTitle(), passed: error === undefined, message: String(error?.message ?? '') };
    appendFileSync(process.env.PORTICO_PEERS_RESULTS, `${JSON.stringify(result)}\n`);
  };
  runner.on('pass', (test) => tell(test));
  runner.on('fail', tell);
};
