/** `portico/launch`: launchers, signals, systemd; usable without any HTTP. */
export type { Launcher } from './launcher.js';
