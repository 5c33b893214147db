// The behaviour of a page: search, the menu on phones, light or dark. Without scripts all pages can be read.
import MiniSearch from './minisearch.js';
import { find, options } from './search-options.js';

const { root } = document.body.dataset;
const [query, found, menu, pages, theme] = ['query', 'found', 'menu', 'pages', 'theme'].map((id) =>
  document.getElementById(id),
);
/** The name under which the pages of typedoc keep the same choice. */
const THEME = 'tsd-theme';

setTheme(localStorage.getItem(THEME) ?? 'os');
theme.addEventListener('click', () => {
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const now = document.documentElement.style.colorScheme || (dark ? 'dark' : 'light');
  setTheme(now === 'dark' ? 'light' : 'dark');
});
function setTheme(name) {
  document.documentElement.style.colorScheme = name === 'os' ? '' : name;
  localStorage.setItem(THEME, name);
}

menu.addEventListener('click', () => {
  menu.setAttribute('aria-expanded', String(pages.classList.toggle('open')));
});

let index;
async function load() {
  index ??= fetch(new URL('./index.json', import.meta.url))
    .then((answer) => answer.text())
    .then((text) => MiniSearch.loadJSON(text, options));
  return index;
}

let at = -1;
async function search() {
  const results = query.value.trim() === '' ? [] : find(await load(), query.value).slice(0, 12);
  const items = results.map(({ url, name, page, excerpt }, place) => {
    const item = document.createElement('div');
    Object.assign(item, { id: `found-${place}`, role: 'option' });
    const link = Object.assign(document.createElement('a'), { href: `${root}/${url}`, tabIndex: -1 });
    const title = Object.assign(document.createElement('b'), { textContent: name });
    const where = Object.assign(document.createElement('span'), { textContent: name === page ? '' : page });
    const text = Object.assign(document.createElement('small'), { textContent: excerpt });
    link.append(title, ' ', where, text);
    item.append(link);
    return item;
  });
  if (items.length === 0 && query.value.trim() !== '') {
    items.push(Object.assign(document.createElement('div'), { textContent: 'Nothing found' }));
  }
  found.replaceChildren(...items);
  show(items.length > 0);
  choose(results.length > 0 ? 0 : -1);
}

function show(open) {
  found.hidden = !open;
  query.setAttribute('aria-expanded', String(open));
}

function choose(place) {
  const items = [...found.querySelectorAll('[role=option]')];
  at = items.length === 0 ? -1 : (place + items.length) % items.length;
  for (const [here, item] of items.entries()) item.setAttribute('aria-selected', String(here === at));
  items[at]?.scrollIntoView({ block: 'nearest' });
  query.setAttribute('aria-activedescendant', at === -1 ? '' : `found-${at}`);
}

query.addEventListener('focus', () => void load());
query.addEventListener('input', () => void search());
query.addEventListener('keydown', (event) => {
  if (event.key === 'ArrowDown') choose(at + 1);
  else if (event.key === 'ArrowUp') choose(at - 1);
  else if (event.key === 'Enter') found.querySelector('[aria-selected=true] a')?.click();
  else if (event.key === 'Escape') show(false);
  else return;
  event.preventDefault();
});
found.addEventListener('click', () => show(false));
document.addEventListener('click', ({ target }) => {
  if (!target.closest('search')) show(false);
});
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.target.closest('input')) return;
  event.preventDefault();
  query.focus();
});
