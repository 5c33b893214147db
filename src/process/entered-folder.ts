/**
 * The working directory as it was entered: by a symbolic link such as `current -> v2`, which a deployment may point elsewhere. `PWD`
 * names the link (POSIX.1 XCU 2.5.3) if it leads to the working directory.
 */
import { accessSync, constants, existsSync, realpathSync } from 'node:fs';
import { dirname, isAbsolute, sep } from 'node:path';

interface Entered {
  /** The path with the link; undefined if the directory was entered without one. */
  readonly link: string | undefined;
  /** The working directory when it was first read, at the start of the process. */
  readonly began: string;
  /** The directory of the last reload; at first, `began`. */
  at: string;
}

/** One for the process, like the working directory. */
let entered: Entered | undefined;

function enteredBy(): Entered {
  if (entered === undefined) {
    const { PWD: named = '' } = process.env;
    const began = process.cwd();
    const isLink = isAbsolute(named) && named !== began && withoutLinks(named) === began;
    entered = { link: isLink ? named : undefined, began, at: began };
  }
  return entered;
}

/** Returns the working directory, as the link by which it was entered if there is one. */
export function enteredFolder(): string {
  const { link, at } = enteredBy();
  const now = process.cwd();
  // The application may have changed its working directory.
  return link !== undefined && now === at ? link : now;
}

/** Returns the link by which the working directory was entered, or undefined. Workers get it with {@link enterBy}. */
export function enteredLink(): string | undefined {
  return enteredBy().link;
}

/** Sets, in a worker, the link by which its parent entered; the link may lead elsewhere by now. */
export function enterBy(link: string | undefined): void {
  const at = process.cwd();
  entered = { link, began: at, at };
}

/** Resolves a path through the link to the release that the process serves, because the link may lead to another one by now. */
export function servedPath(path: string): string {
  const { link, at } = enteredBy();
  return link === undefined ? path : moved(path, link, at);
}

/** Changes to the directory to which the link leads now. Returns a function that changes back. */
export function followLink(): () => void {
  const place = enteredBy();
  const { link, at } = place;
  const now = link === undefined || process.cwd() !== at ? undefined : withoutLinks(link);
  if (now === undefined || now === at) return () => undefined;
  const go = (folder: string): void => {
    process.chdir(folder);
    place.at = folder;
  };
  go(now);
  return () => {
    if (existsSync(at)) go(at);
  };
}

/** Resolves all links; undefined if that fails, for example because the path does not exist. */
function withoutLinks(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Returns the path of a file in the first working directory as a path in `folder`, if it exists there; else the path unchanged. */
export function inFollowedFolder(path: string, folder: string): string {
  const there = moved(path, enteredBy().began, folder);
  return existsSync(there) ? there : path;
}

/** Returns a path in `from`, or `from` itself, moved to `to`; any other path unchanged. */
function moved(path: string, from: string, to: string): string {
  return path === from || path.startsWith(`${from}${sep}`) ? to + path.slice(from.length) : path;
}

// The cause of a refused access: a folder that this user may not enter.

/** Returns the outermost folder on the way to an absolute path that this user may not enter; undefined if there is none. */
export function closedFolder(path: string): string | undefined {
  const folder = dirname(path);
  const outer = folder === path ? undefined : closedFolder(folder);
  if (outer !== undefined || folder === path) return outer;
  try {
    accessSync(folder, constants.X_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? folder : undefined;
  }
}
