/** Id of the process that had started this one when its first modules were loaded. */
export const firstParent = process.ppid;
