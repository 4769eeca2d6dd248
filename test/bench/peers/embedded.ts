/** The embedded daemon as a process of its own: `embedded.ts SOCKET`; a line when it is ready; ends with its input. */
import { startXenstored } from '../../../operator/embedded/xenstored/server.ts';

const [socketPath = ''] = process.argv.slice(2);
const daemon = await startXenstored({ socketPath });
process.stdout.write('ready\n');
process.stdin.resume();
process.stdin.once('end', () => {
  void daemon.close();
});
