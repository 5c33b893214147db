/**
 * Tools for this process: its arguments, working directory, first signals and exit, requests in flight, Portico's own files, modules
 * being loaded, and timers of any length.
 */

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
export { firstParent } from './first-parent.js';
export { heldTick } from './held-tick.js';
export { LONGEST_DELAY_MS, setLongTimeout } from './long-timeout.js';
export { OS_PREFIX, optionVariables, otherVariables } from './option-variables.js';
export { exitLocation, isOwnFile, ownFile } from './own-files.js';
export { commandLineWords } from './process-arguments.js';
export {
  changedProgramFiles,
  type ProgramFile,
  programFiles,
  programPaths,
  watchLoading,
  whileLoading,
} from './program-files.js';
export { HEAD, type RequestsInHand, requestsInHand, SLOTS } from './requests-in-hand.js';
export { connectError, createWithMode, openToAppend, refuseForeignLink, removeStaleSocket } from './safe-files.js';
export { withFrames } from './stack-frames.js';
export { returnStartMemory } from './start-memory.js';
