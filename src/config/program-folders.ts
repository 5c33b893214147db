/**
 * Where the running program is.
 */
import { dirname, resolve } from 'node:path';

/**
 * The folders whose packages belong to the program, wherever its configuration is: that of its main module, and the
 * working directory. `script`: the main module's path; default the process's, none where there is none.
 */
export function programFolders(script: string | undefined = process.argv[1]): readonly string[] {
  return [...new Set([...(script === undefined ? [] : [dirname(resolve(script))]), process.cwd()])];
}
