// How the site searches. The build makes the index with these options, and the browser reads it with them.

/** Words of readers that the pages call otherwise. */
const SYNONYMS = {
  breakpoint: 'debug',
  cron: 'job',
  debugger: 'debug',
  k8s: 'kubernetes',
  setting: 'option',
  settings: 'option',
  sse: 'events',
  tracing: 'traces',
};
/** Words of questions that say nothing about their subject. */
const IDLE = new Set(
  'a an and are be can do does for how i in is it my of on or per the to what when where which why with'.split(' '),
);

/** Splits into words. A name such as `drain_delay` counts as a whole and as its parts. */
function tokenize(text) {
  return (text.match(/[\p{L}\p{N}_]+/gu) ?? []).flatMap((word) =>
    word.includes('_') ? [word, ...word.split('_')] : [word],
  );
}

/** Pages that explain come before error codes, unless a code is looked for, and these before measurements and the history. */
function weightOf(_id, term, { url, name, page }) {
  if (/^(?:bench|CHANGELOG|CONTRIBUTING|MAINTAINERS)/.test(url)) return 0.1;
  if (url.startsWith('docs/reference/errors')) return term.startsWith('portico_') ? 2 : 0.4;
  return name === page ? 1.5 : 1;
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
    combineWith: 'AND',
  },
};

/** Returns the entries with all words of a query; if there are none, those with some of them. The best is first. */
export function find(index, query) {
  const words = query.toLowerCase().split(/\s+/);
  const telling = words.filter((word) => !IDLE.has(word));
  // A word that is still being typed may be an idle one so far.
  const asked = (telling.length > 0 ? telling : words).map((word) => SYNONYMS[word] ?? word).join(' ');
  const found = index.search(asked);
  return found.length > 0 ? found : index.search(asked, { combineWith: 'OR' });
}
