/**
 * Tools for this process: its arguments, working directory, first signals and exit, requests in flight, Portico's own files, modules
 * being loaded, and timers of any length.
 */
export { commandLineWords, firstParent, OS_PREFIX, optionVariables, otherVariables } from './arguments.js';
export { keepCompiledCode } from './compile-cache.js';
export { cgroupFiles, describeLimits, memoryLimit, processors } from './container-limits.js';
export { holdSignals, takeHeldSignals } from './early-signals.js';
export {
  closedFolder,
  enterBy,
  enteredFolder,
  enteredLink,
  followLink,
  inFollowedFolder,
  servedPath,
} from './entered-folder.js';
export { watchLoading, whileLoading } from './loading.js';
export { heldTick, LONGEST_DELAY_MS, setLongTimeout } from './long-timeout.js';
export {
  changedProgramFiles,
  exitPlace,
  isOwnFile,
  ownFile,
  type ProgramFile,
  programFiles,
  programPaths,
  withFrames,
} from './program-files.js';
export { HEAD, type RequestsInHand, requestsInHand, SLOTS } from './requests-in-hand.js';
export { connectError, createWithMode, openToAppend, refuseForeignLink, removeStaleSocket } from './safe-files.js';
export { returnStartMemory } from './start-memory.js';
