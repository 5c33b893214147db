/**
 * Telling our own patches of a response from others'.
 */
import type { ServerResponse } from 'node:http';
import { isHeadPatch } from './before-head.js';
import { isPipeGuard } from './guard-pipe.js';
import { isHoldPatch } from './hold-body.js';
import { isCountPatch } from './response-length.js';
import { isBodyPatch } from './transform-body.js';

/** Whether a method of a response was put there by this directory, and not by other code. */
export function isOwnPatch(res: ServerResponse, method: unknown): boolean {
  return (
    isHeadPatch(res, method) ||
    isBodyPatch(res, method) ||
    isHoldPatch(res, method) ||
    isPipeGuard(method) ||
    isCountPatch(method)
  );
}
