// A reporter of Node's test runner that writes the counts of its summary as JSON, and the files that took longest.
module.exports = async function* counts(source) {
  const counted = {};
  const files = [];
  for await (const { type, data } of source) {
    const [, name, number] = (type === 'test:diagnostic' && /^(\w+) (\d+)$/.exec(data.message)) || [];
    if (name !== undefined && data.nesting === 0) counted[name] = Number(number);
    // Each file is a suite: together.mjs.
    const isEnd = type === 'test:pass' || type === 'test:fail';
    if (isEnd && data.nesting === 0 && data.details.type === 'suite') files.push([data.name, data.details.duration_ms]);
  }
  const slowest = files.sort(([, left], [, right]) => right - left).slice(0, 8);
  yield JSON.stringify({ ...counted, slowest });
};
