// How the site searches. The build makes the index with these options, and the browser reads it with them.

/** Splits into words. A name such as `drain_delay` counts as a whole and as its parts. */
function tokenize(text) {
  return (text.match(/[\p{L}\p{N}_]+/gu) ?? []).flatMap((word) =>
    word.includes('_') ? [word, ...word.split('_')] : [word],
  );
}

export const options = {
  fields: ['name', 'page', 'text'],
  storeFields: ['name', 'page', 'url', 'excerpt'],
  tokenize,
  searchOptions: { boost: { name: 6, page: 3 }, prefix: true, fuzzy: 0.15, combineWith: 'AND' },
};
