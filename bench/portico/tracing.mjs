// An SDK of OpenTelemetry as a program registers it, whose spans go nowhere.
import { NodeSDK } from '@opentelemetry/sdk-node';
import { BatchSpanProcessor } from '@opentelemetry/sdk-trace';

const exporter = { export: (_spans, done) => done({ code: 0 }), shutdown: async () => {} };
new NodeSDK({ spanProcessors: [new BatchSpanProcessor({ exporter })], autoDetectResources: false }).start();
