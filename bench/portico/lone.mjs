// One API in one process without a parent, as in an application that embeds Portico: `node lone.mjs <work> <port>`.
import { fileURLToPath } from 'node:url';
import { Config, launch, runMain, WSGIService } from 'portico';

const [, , work, port] = process.argv;

await runMain(async () => {
  const file = fileURLToPath(new URL('./portico.ini', import.meta.url));
  const config = await Config.load({ argv: false, files: [file], set: [`api:${work}.port=${port}`] });
  const launcher = await launch(new WSGIService(work, config), { workers: 1, config });
  return launcher.wait();
});
