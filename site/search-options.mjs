// How the site searches. The build makes the index with these options, and the browser reads it with them.

/** Words of readers, and those of the pages for the same. Both are looked for. */
const SYNONYMS = {
  auth: ['authentication'],
  breakpoint: ['debug'],
  crashed: ['down'],
  cron: ['job'],
  debugger: ['debug'],
  k8s: ['kubernetes'],
  login: ['sessions'],
  loss: ['downtime', 'lost'],
  losing: ['downtime', 'lost'],
  lossless: ['downtime', 'lost'],
  port: ['address'],
  ordering: ['order'],
  ram: ['memory'],
  setting: ['option'],
  settings: ['option'],
  sse: ['events'],
  throttle: ['rate_limit'],
  throttling: ['rate_limit'],
  timeout: ['deadline'],
  tracing: ['traces'],
  unit: ['systemd'],
  versioning: ['versions'],
};
/** Words of questions that say nothing about their subject. */
const IDLE = new Set(
  'a am an and are at be can do does for from get has have how i if in is it my no not of on or our per should that the their there this to use what when where which who why with without you your'.split(
    ' ',
  ),
);

/** Splits into words. A name such as `drain_delay` counts as a whole and as its parts. */
function tokenize(text) {
  return (text.match(/[\p{L}\p{N}_]+/gu) ?? []).flatMap((word) =>
    word.includes('_') ? [word, ...word.split('_')] : [word],
  );
}

/**
 * Pages that explain come first, then those that compare and the examples, then error codes, unless a code is looked for, then measurements
 * and the history.
 */
function weightOf(_id, term, { url, name, page }) {
  if (/^(?:bench|CHANGELOG|CONTRIBUTING|MAINTAINERS)/.test(url)) return 0.1;
  if (url.startsWith('docs/reference/errors')) return term.startsWith('portico_') ? 2 : 0.4;
  const kind = /^(?:docs\/index|docs\/moving|docs\/architecture|docs\/stability|examples)/.test(url)
    ? 0.6
    : /^docs\/(?:how-to|operate|operations|production)/.test(url)
      ? 1.2
      : 1;
  return name === page ? kind * 1.5 : kind;
}

export const options = {
  fields: ['name', 'page', 'text'],
  storeFields: ['name', 'page', 'url', 'excerpt'],
  tokenize,
  searchOptions: {
    boost: { name: 6, page: 3 },
    boostDocument: weightOf,
    prefix: true,
    fuzzy: 0.15,
  },
};

/** Returns the entries with words of a query, the best first. Each word that an entry lacks makes it far worse. */
export function find(index, query) {
  const words = query.toLowerCase().match(/[\p{L}\p{N}_-]+/gu) ?? [];
  const telling = words.filter((word) => !IDLE.has(word));
  const longer = telling.filter((word) => word.length > 1);
  // A word that is still being typed may be an idle one so far.
  const asked = [longer, telling, words].find((list) => list.length > 0) ?? [];
  const found = new Map();
  for (const word of asked) {
    const best = new Map();
    for (const term of [word, ...(SYNONYMS[word] ?? [])]) {
      for (const entry of index.search(term)) {
        const { score = 0 } = best.get(entry.id) ?? {};
        if (entry.score > score) best.set(entry.id, entry);
      }
    }
    for (const [id, entry] of best) {
      const { score = 0, words = 0 } = found.get(id) ?? {};
      found.set(id, { ...entry, score: score + entry.score, words: words + 1 });
    }
  }
  const worth = ({ score, words }) => score * (words / asked.length) ** 2;
  return [...found.values()].sort((one, other) => worth(other) - worth(one));
}
