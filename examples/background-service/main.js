import { Config, runMain, WSGIService } from 'portico';
import { ProcessLauncher } from 'portico/launch';
import { Service } from 'portico/service';

/** Runs in a separate process, beside the workers of the API; a crash of one leaves the other alone. */
class Sweeper extends Service {
  name = 'sweeper';
  async start() {
    this.tasks.addTimer(1, () => console.log('swept'));
  }
}

// Gives the exit status, and explains an error of the configuration without a stack.
await runMain(async () => {
  const config = await Config.load({ files: ['portico.ini'] });
  const launcher = new ProcessLauncher({ config });
  const hello = new WSGIService('hello', config);
  await launcher.launchService(hello, { workers: hello.workers });
  await launcher.launchService(new Sweeper());
  return launcher.wait();
});
