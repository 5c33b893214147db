// A reporter of Node's test runner that writes the counts of its summary as JSON, the files that took longest, and what is known of those
// that ended badly although no test of them failed: their status or signal, what Node noticed, and the end of their standard error.
const SAID = 2000;

module.exports = async function* counts(source) {
  const counted = {};
  const files = [];
  const said = new Map();
  const ended = [];
  const noticed = [];
  for await (const { type, data } of source) {
    const [, name, number] = (type === 'test:diagnostic' && /^(\w+) (\d+)$/.exec(data.message)) || [];
    if (name !== undefined && data.nesting === 0) counted[name] = Number(number);
    // For example: that a test caused an error after its end. Node does not say in which file.
    else if (type === 'test:diagnostic' && data.nesting === 0 && data.message.startsWith('Error: '))
      noticed.push(data.message);
    if (type === 'test:stderr') said.set(data.file, ((said.get(data.file) ?? '') + data.message).slice(-SAID));
    // Each file is a suite: together.mjs.
    const isEnd = type === 'test:pass' || type === 'test:fail';
    if (isEnd && data.nesting === 0 && data.details.type === 'suite') files.push([data.name, data.details.duration_ms]);
    const { exitCode, signal } = data.details?.error ?? {};
    if (type === 'test:fail' && data.nesting === 0 && (exitCode || signal)) ended.push([data.file, signal ?? exitCode]);
  }
  const slowest = files.sort(([, left], [, right]) => right - left).slice(0, 8);
  const told = ended.map(([file, how]) => `${file} ended with ${how}; it said at last:\n${said.get(file) ?? ''}`);
  yield JSON.stringify({ ...counted, slowest, told: [...noticed, ...told] });
};
