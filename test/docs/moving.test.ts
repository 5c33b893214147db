/** The pages for those who come from Python's libraries: what each moves over does here what the page says. */
import { test } from 'node:test';
import { runPage } from './page.js';

for (const page of ['pastedeploy', 'routes', 'oslo-service', 'oslo-config', 'nova']) {
  test(`docs/moving/${page}.md moves over what it shows`, { timeout: 240_000 }, async (t) => {
    await runPage(t, `docs/moving/${page}.md`, { ports: [8080, 8774, 8775] });
  });
}
