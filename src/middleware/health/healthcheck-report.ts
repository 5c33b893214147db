/**
 * How a health check words what it found.
 */

import { hostname } from 'node:os';
import { workerAssignment } from '../../config/internal.js';
import type { PluginResult } from './healthcheck-plugins.js';

/** A plugin's answer with the plugin's name. */
export interface NamedResult extends PluginResult {
  readonly plugin: string;
}

/** The media types, the one for clients that accept none of them first. */
export const REPORT_TYPES = ['text/plain', 'application/json', 'text/html'] as const;

/** The body of an answer. */
export function writeReport(type: string | undefined, results: readonly NamedResult[], detailed: boolean): string {
  if (type === 'application/json') return JSON.stringify(detailed ? detailedFacts(results) : plainFacts(results));
  if (type === 'text/html') return htmlPage(results, detailed);
  const reasons = reasonsOf(results);
  if (!detailed) return reasons.join('\n');
  return [...results.map((one) => `${one.plugin}: ${one.reason}${suffix(one)}`), ...processLines()].join('\n');
}

function reasonsOf(results: readonly NamedResult[]): string[] {
  return results.length === 0 ? ['OK'] : results.map(({ reason }) => reason);
}

function plainFacts(results: readonly NamedResult[]): object {
  return { detailed: false, reasons: reasonsOf(results) };
}

function detailedFacts(results: readonly NamedResult[]): object {
  const reasons = results.map(({ plugin, reason, details }) => ({ class: plugin, reason, details: details ?? '' }));
  return { detailed: true, reasons, ...processFacts() };
}

function processFacts(): Record<string, string | number> {
  const { utilization } = performance.eventLoopUtilization();
  return {
    hostname: hostname(),
    now: new Date().toISOString(),
    node_version: process.version,
    platform: `${process.platform} ${process.arch}`,
    uptime_s: Math.round(process.uptime()),
    heap_used: process.memoryUsage().heapUsed,
    event_loop_utilization: Number(utilization.toFixed(3)),
    active_handles: process.getActiveResourcesInfo().length,
    worker_id: workerAssignment()?.index ?? 0,
    pid: process.pid,
  };
}

const suffix = ({ details }: NamedResult): string => (details === undefined ? '' : ` (${details})`);

function processLines(): string[] {
  return Object.entries(processFacts()).map(([name, value]) => `${name}: ${value}`);
}

function htmlPage(results: readonly NamedResult[], detailed: boolean): string {
  const lines = detailed
    ? [...results.map((one) => `${one.plugin}: ${one.reason}${suffix(one)}`), ...processLines()]
    : reasonsOf(results);
  const items = lines.map((line) => `<li>${escaped(line)}</li>`).join('');
  return `<!doctype html><html><head><title>Healthcheck Status</title></head><body><ul>${items}</ul></body></html>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
