/**
 * The core process: opens the database, supervises training, answers methods. Started by the desktop shell over IPC, or
 * as a loopback server: `node core.ts --serve [--port N] [--open]`.
 */
import { parseArgs } from 'node:util';
import { toAppError } from './contract/errors.ts';
import { runCore } from './server/runCore.ts';

const { values } = parseArgs({ options: { serve: { type: 'boolean', default: false }, port: { type: 'string' }, open: { type: 'boolean', default: false }, data: { type: 'string' } } });
try {
  await runCore({ ipc: !values.serve, port: values.port === undefined ? undefined : Number(values.port), open: values.open, dataDir: values.data });
} catch (error) {
  const { message, hint, code } = toAppError(error);
  process.stderr.write(`${message}\n${hint}\n`);
  if (process.connected) process.send?.({ fatal: { code, message, hint } });
  process.exitCode = 1;
  if (process.connected) process.disconnect();
}
