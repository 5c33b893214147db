/** The id of the parent process when the first modules of this process were loaded. */
export const firstParent = process.ppid;
