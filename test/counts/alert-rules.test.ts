/** Tests with Prometheus' promtool that each alert rule of paste/ fires and stays silent. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../e2e/program.js';
import { temporaryFolder } from '../fixtures/keeper.js';

const RULES = join(root, 'paste', 'prometheus-rules.yml');

/** Series with labels, and their values a minute apart in promtool's syntax: `0+60x40` rises by 60 each minute. */
type Series = Readonly<Record<string, string>>;

/** For each alert, series with which it fires after 40 minutes, and series with which it does not. */
const CASES: Readonly<Record<string, { readonly fires: Series; readonly silent: Series }>> = {
  PorticoDown: {
    fires: { 'up{job="portico-api"}': '1x20 0x20' },
    silent: { 'up{job="portico-api"}': '1x40', 'up{job="other"}': '0x40' },
  },
  PorticoAbsent: {
    fires: { 'up{job="portico-api"}': '0x40' },
    silent: { portico_configuration_generation: '1x40' },
  },
  PorticoNoWorker: {
    fires: { 'portico_workers_ready{api="a"}': '0x40', 'portico_workers_wanted{api="a"}': '2x40' },
    silent: {
      'portico_workers_ready{api="a"}': '1x40',
      'portico_workers_wanted{api="a"}': '2x40',
      'portico_workers_ready{api="none"}': '0x40',
      'portico_workers_wanted{api="none"}': '0x40',
    },
  },
  PorticoWorkerStuck: {
    fires: { 'portico_worker_silent_seconds{api="a",worker="0"}': '1x30 30x10' },
    silent: { 'portico_worker_silent_seconds{api="a",worker="0"}': '1x40' },
  },
  PorticoServiceDown: {
    fires: { 'portico_service_up{binary="b",host="h"}': '0x40' },
    silent: { 'portico_service_up{binary="b",host="h"}': '1x40' },
  },
  PorticoErrors: {
    fires: {
      'portico_http_requests_total{api="a",status="2xx"}': '0+90x40',
      'portico_http_requests_total{api="a",status="500"}': '0+10x40',
    },
    silent: {
      'portico_http_requests_total{api="a",status="2xx"}': '0+99x40',
      'portico_http_requests_total{api="a",status="5xx"}': '0+1x40',
    },
  },
  PorticoOutage: {
    fires: {
      'portico_http_requests_total{api="a",status="200"}': '0+60x37 2250+30x2',
      'portico_http_requests_total{api="a",status="503"}': '0x37 30 60 90',
    },
    silent: {
      // Some fail, and those of a quiet service are too few.
      'portico_http_requests_total{api="a",status="200"}': '0+90x40',
      'portico_http_requests_total{api="a",status="500"}': '0+10x40',
      'portico_http_requests_total{api="b",status="200"}': '0+1x40',
      'portico_http_requests_total{api="b",status="500"}': '0+2x40',
    },
  },
  PorticoClientsGiveUp: {
    fires: {
      'portico_http_requests_total{api="a",status="200"}': '0+60x30 1800x10',
      'portico_http_requests_total{api="a",status="499"}': '0x30 0+60x10',
    },
    silent: {
      // Some leave, and those of a quiet service are too few.
      'portico_http_requests_total{api="a",status="200"}': '0+90x40',
      'portico_http_requests_total{api="a",status="499"}': '0+10x40',
      'portico_http_requests_total{api="b",status="200"}': '0+1x40',
      'portico_http_requests_total{api="b",status="499"}': '0+1x40',
    },
  },
  PorticoSlow: {
    fires: {
      'portico_http_request_duration_seconds_bucket{api="a",le="1"}': '0+80x40',
      'portico_http_request_duration_seconds_bucket{api="a",le="10"}': '0+100x40',
      'portico_http_request_duration_seconds_bucket{api="a",le="+Inf"}': '0+100x40',
    },
    silent: {
      'portico_http_request_duration_seconds_bucket{api="a",le="1"}': '0+99x40',
      'portico_http_request_duration_seconds_bucket{api="a",le="10"}': '0+100x40',
      'portico_http_request_duration_seconds_bucket{api="a",le="+Inf"}': '0+100x40',
    },
  },
  PorticoQueue: {
    fires: { 'portico_http_requests_queued{api="a",worker="0"}': '3x40' },
    silent: { 'portico_http_requests_queued{api="a",worker="0"}': '0x40' },
  },
  PorticoRequestsRefused: {
    fires: { 'portico_http_rejected_requests_total{api="a",reason="queue full"}': '0x36 9x4' },
    silent: {
      'portico_http_rejected_requests_total{api="a",reason="queue full"}': '9x40',
      'portico_http_rejected_requests_total{api="a",reason="rate limit"}': '0+9x40',
    },
  },
  PorticoWorkersDie: {
    fires: { 'portico_worker_starts_total{api="a",reason="death"}': '0+1x40' },
    silent: {
      'portico_worker_starts_total{api="a",reason="death"}': '1x40',
      'portico_worker_starts_total{api="a",reason="reload"}': '0+9x40',
    },
  },
  PorticoEventLoopBusy: {
    fires: { 'portico_worker_event_loop_utilization{api="a",worker="0"}': '1x40' },
    silent: { 'portico_worker_event_loop_utilization{api="a",worker="0"}': '0.5x40' },
  },
  PorticoEventLoopBlocked: {
    fires: { 'portico_worker_event_loop_lag_p99_seconds{api="a",worker="0"}': '0.2x40' },
    silent: {
      'portico_worker_event_loop_lag_p99_seconds{api="a",worker="0"}': '0.02x40',
      'portico_worker_event_loop_lag_max_seconds{api="a",worker="0"}': '0.3x40',
    },
  },
  PorticoRequestsLost: {
    fires: { 'portico_requests_lost_total{api="a",reason="stuck"}': '0x36 1x4' },
    silent: { 'portico_requests_lost_total{api="a",reason="stuck"}': '1x40' },
  },
  PorticoDescriptors: {
    fires: {
      'portico_worker_open_fds{api="a",worker="0"}': '95x40',
      'portico_worker_max_fds{api="a",worker="0"}': '100x40',
    },
    silent: {
      'portico_worker_open_fds{api="a",worker="0"}': '80x40',
      'portico_worker_max_fds{api="a",worker="0"}': '100x40',
    },
  },
  PorticoBrokerLost: {
    fires: { 'portico_rpc_connections_lost{api="a",worker="0"}': '1x40' },
    silent: { 'portico_rpc_connections_lost{api="a",worker="0"}': '0x40' },
  },
  PorticoCallsFail: {
    fires: {
      'portico_rpc_server_duration_seconds_count{api="a",topic="t",method="m",outcome="ok"}': '0+90x40',
      'portico_rpc_server_duration_seconds_count{api="a",topic="t",method="m",outcome="failed"}': '0+10x40',
    },
    silent: {
      'portico_rpc_server_duration_seconds_count{api="a",topic="t",method="m",outcome="ok"}': '0+99x40',
      'portico_rpc_server_duration_seconds_count{api="a",topic="t",method="m",outcome="failed"}': '0+1x40',
      'portico_rpc_server_duration_seconds_count{api="a",topic="t",method="n",outcome="expected"}': '0+10x40',
    },
  },
  PorticoJobLate: {
    fires: {
      'portico_job_running_seconds{api="a",worker="0",name="sync"}': '0+60x40',
      'portico_job_spacing_seconds{api="a",worker="0",name="sync"}': '300x40',
    },
    silent: {
      'portico_job_running_seconds{api="a",worker="0",name="sync"}': '0 60 120 0 60 120 0x34',
      'portico_job_spacing_seconds{api="a",worker="0",name="sync"}': '300x40',
    },
  },
  PorticoJobFails: {
    fires: { 'portico_job_runs_total{api="a",name="sync",outcome="failed"}': '0+1x40' },
    silent: {
      'portico_job_runs_total{api="a",name="sync",outcome="failed"}': '0 1x39',
      'portico_job_runs_total{api="a",name="sync",outcome="ok"}': '0+1x40',
    },
  },
  PorticoReloadRefused: {
    fires: { portico_configuration_last_reload_successful: '1x5 0x35' },
    silent: { portico_configuration_last_reload_successful: '0x5 1x35' },
  },
  PorticoNodeMixed: {
    fires: { 'portico_workers_other_node{api="a"}': '0x30 1x10' },
    silent: { 'portico_workers_other_node{api="a"}': '1x30 0x10', 'portico_workers_other_node{api="b"}': '0x38 1x2' },
  },
  PorticoCertificateEnds: {
    // promtool's time begins at 0.
    fires: { 'portico_tls_certificate_expiry_timestamp_seconds{api="a"}': `${13 * 86_400}x40` },
    silent: { 'portico_tls_certificate_expiry_timestamp_seconds{api="a"}': `${15 * 86_400}x40` },
  },
  PorticoLogLost: {
    fires: { 'portico_log_lines_lost_total{api="-"}': '0x36 5x4' },
    silent: { 'portico_log_lines_lost_total{api="-"}': '5x40' },
  },
};

const noPromtool =
  spawnSync('promtool', ['--version']).error !== undefined && 'promtool of Prometheus is not installed';

test('each alert rule has series that let it fire and others that do not', () => {
  const alerts = [...readFileSync(RULES, 'utf8').matchAll(/- alert: (\w+)/g)].map(([, name]) => name!);
  assert.deepEqual(alerts.toSorted(), Object.keys(CASES).sort());
});

/** Runs promtool with the series of one kind, one test for each alert, and returns its output. */
function checked(folder: string, kind: 'fires' | 'silent', expected: readonly object[]) {
  const file = join(folder, `${kind}.yml`);
  const tests = Object.entries(CASES).map(([alert, { [kind]: series }]) => ({
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    alert_rule_test: [{ eval_time: '40m', alertname: alert, exp_alerts: expected }],
  }));
  writeFileSync(file, JSON.stringify({ rule_files: [RULES], evaluation_interval: '1m', tests }));
  const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

test('each alert rule fires, and is silent', { skip: noPromtool }, () => {
  const folder = temporaryFolder('portico-rules-');
  const silent = checked(folder, 'silent', []);
  assert.equal(silent.status, 0, silent.text);
  // No alert has this label, so promtool lists those that fire in its errors.
  const fires = checked(folder, 'fires', [{ exp_labels: { expected: 'never' } }]);
  const labels = [...fires.text.matchAll(/Labels:\{([^}]*)\}/g)].map(([, inner]) => inner!);
  const fired = labels
    .filter((inner) => !inner.includes('never'))
    .map((inner) => /alertname="(\w+)"/.exec(inner)?.[1] ?? inner);
  assert.deepEqual([...new Set(fired)].sort(), Object.keys(CASES).sort(), fires.text);
});
