/**
 * The working directory as it was entered: by a link, `current -> v2`, which a deployment may let lead elsewhere. `PWD` names it
 * (POSIX.1 XCU 2.5.3), where that is the working directory.
 */
import { existsSync, realpathSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';

interface Entered {
  /** Undefined where no link was part of the path. */
  readonly link: string | undefined;
  /** The directory when the process began, and the one that a reload went to last. */
  readonly began: string;
  at: string;
}

/** One for the process, as the working directory is. */
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

/** The working directory, by the link that it was entered by. */
export function enteredFolder(): string {
  const { link, at } = enteredBy();
  const now = process.cwd();
  // A program may change its working directory.
  return link !== undefined && now === at ? link : now;
}

/** The link that the working directory was entered by; undefined where there is none. Workers get it with {@link enterBy}. */
export function enteredLink(): string | undefined {
  return enteredBy().link;
}

/** In a worker: its parent entered by this link, which may lead elsewhere by now. */
export function enterBy(link: string | undefined): void {
  const at = process.cwd();
  entered = { link, began: at, at };
}

/** A path through the link, in the release that the process serves: the link may lead to another one by now. */
export function servedPath(path: string): string {
  const { link, at } = enteredBy();
  return link === undefined ? path : moved(path, link, at);
}

/** Goes to where the link leads now. The function that it gives goes back. */
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

/** Undefined for what is not there. */
function withoutLinks(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** A file of the directory in which the process began, in `folder`, where it is there. */
export function inFollowedFolder(path: string, folder: string): string {
  const there = moved(path, enteredBy().began, folder);
  return existsSync(there) ? there : path;
}

/** A path in `from`, or that folder itself, as it is in `to`; any other path as it is. */
function moved(path: string, from: string, to: string): string {
  return path === from || path.startsWith(`${from}${sep}`) ? to + path.slice(from.length) : path;
}
