/**
 * The line between the path that was consumed and the path that is left, moved by a match with `path_info`.
 */

/** Both sides of the line. */
export interface PathLine {
  readonly scriptName: string;
  readonly pathInfo: string;
}

/**
 * `pathInfo` becomes what is left, with a slash in front; script name grows by what stood before it. Where it does not
 * stand at the end behind a slash of its own, script name grows by the whole path, as in Routes.
 */
export function consumePath(line: PathLine, pathInfo: string): PathLine {
  const { scriptName, pathInfo: path } = line;
  const end = `/${pathInfo}`;
  const consumed = path.endsWith(end) ? path.slice(0, path.length - end.length) : path;
  return { scriptName: scriptName + consumed, pathInfo: pathInfo.startsWith('/') ? pathInfo : end };
}
