// Registers an SDK of OpenTelemetry as applications do. Its spans are not exported.
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';

const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };
new NodeSDK({ spanProcessors: [new BatchSpanProcessor({ exporter })], autoDetectResources: false }).start();
