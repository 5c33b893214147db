/** Locations of a path: a path may lead through links into several folders, and who can write one of them decides what is at its end. */
import { lstatSync, readlinkSync } from 'node:fs';
import { dirname, isAbsolute, join, parse, sep } from 'node:path';
import { ignoreErrors } from '../errors/index.js';

/** Names of files and links, by their folder, whose own path has no link. */
export type Places = ReadonlyMap<string, ReadonlySet<string>>;

/** Most links on the way to one file, as of the kernel (path_resolution(7)). */
const MOST_LINKS = 40;

/** Returns the locations of the paths, and of each link on the way to them. */
export function placesOf(paths: readonly string[]): Places {
  const places = new Map<string, Set<string>>();
  const links = new Map<string, string | undefined>();
  const linkAt = (path: string): string | undefined => {
    if (!links.has(path))
      links.set(
        path,
        ignoreErrors(() => linkOf(path)),
      );
    return links.get(path);
  };
  const note = (folder: string, name: string): void => {
    places.set(folder, (places.get(folder) ?? new Set()).add(name));
  };
  for (const path of paths) {
    let [folder, rest] = split(isAbsolute(path) ? path : `${process.cwd()}${sep}${path}`);
    let followed = 0;
    while (rest.length > 0) {
      const name = rest.shift()!;
      const target = name === '..' ? undefined : linkAt(join(folder, name));
      if (name === '..') folder = dirname(folder);
      else if (target !== undefined && followed++ < MOST_LINKS) {
        note(folder, name);
        const [root, steps] = split(target);
        folder = root || folder;
        rest = [...steps, ...rest];
      } else if (rest.length === 0) note(folder, name);
      else folder = join(folder, name);
    }
  }
  return places;
}

/** Splits a path into its root, which a relative one does not have, and its names. */
function split(path: string): [root: string, names: string[]] {
  const { root } = parse(path);
  return [
    root,
    path
      .slice(root.length)
      .split(sep)
      .filter((name) => name !== '' && name !== '.'),
  ];
}

function linkOf(path: string): string | undefined {
  return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
}
