// A reporter of Node's test runner that writes the counts of its summary as JSON.
module.exports = async function* counts(source) {
  const counted = {};
  for await (const { type, data } of source) {
    const [, name, number] = (type === 'test:diagnostic' && /^(\w+) (\d+)$/.exec(data.message)) || [];
    if (name !== undefined && data.nesting === 0) counted[name] = Number(number);
  }
  yield JSON.stringify(counted);
};
