// A process with an embedded API server, to be killed by tests: run-api-server.ts KUBECONFIG DATA_DIR [PORT]
import { flushCompileCache } from 'node:module';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import { projectCrds } from './sample-crds.ts';

const [kubeconfigPath = '', dataDir = '', port = '0'] = process.argv.slice(2);
try {
  const server = await startApiServer({ kubeconfigPath, dataDir, port: Number(port), crds: projectCrds() });
  // It does not end by itself.
  flushCompileCache();
  process.stdout.write(`ready ${String(server.port)}\n`);
} catch (error) {
  process.stdout.write(`failed ${String((error as { code?: unknown }).code)}\n`);
  process.exitCode = 1;
}
