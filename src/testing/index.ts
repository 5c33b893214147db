/** `portico/testing`: what the tests of an application need. */
export { FakeClock } from './fake-clock.js';
