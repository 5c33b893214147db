import type { ServiceAnnouncement } from 'portico/registry';

/** Returns the announcement of a service. */
export function announcement(changes: Partial<ServiceAnnouncement> = {}): ServiceAnnouncement {
  return {
    host: 'one',
    binary: 'portico-compute',
    topic: null,
    version: 3,
    instanceId: 'instance-1',
    machineId: 'machine-1',
    pid: 100,
    startedAt: new Date(1000),
    reportInterval: 10,
    downTime: 60,
    configGeneration: 1,
    zone: null,
    endpoints: ['http://127.0.0.1:8774'],
    labels: { rack: '7' },
    ...changes,
  };
}
