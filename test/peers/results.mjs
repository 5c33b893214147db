// A reporter for node:test: one line of JSON for each test that passed or failed.
import { relative } from 'node:path';

// biome-ignore lint/style/noDefaultExport: Node's runner asks for it.
export default async function* results(events) {
  const names = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') names.splice(data.nesting, Number.POSITIVE_INFINITY, data.name);
    if ((type !== 'test:pass' && type !== 'test:fail') || data.skip !== undefined || data.todo !== undefined) continue;
    const title = [...names.slice(0, data.nesting), data.name].join(' ');
    const file = relative(process.cwd(), data.file ?? '');
    const passed = type === 'test:pass';
    const error = data.details.error?.cause ?? data.details.error;
    // A suite fails if one of its tests fails.
    if (data.details.type === 'suite' || data.details.error?.failureType === 'subtestsFailed') continue;
    yield `${JSON.stringify({ title: `${file}: ${title}`, passed, message: passed ? '' : String(error?.message ?? error) })}\n`;
  }
}
