/**
 * The training child: `node process.ts RUN_FOLDER [--resume NAME]`. Events go to the journal and, where there is a parent with an
 * IPC channel, to it; commands come back the same way, or through commands.jsonl when that parent is gone. SIGTERM and SIGINT mean: save and stop; a second one: now.
 */
import { trainerCommandSchema } from '../contract/trainerEvent.ts';
import { CommandQueue } from './run/commandQueue.ts';
import { exitCodes } from './run/exitCodes.ts';
import { runTraining } from './run/runTraining.ts';

process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
const [dir, ...rest] = process.argv.slice(2);
if (!dir) {
  process.stderr.write('usage: process.ts RUN_FOLDER [--resume NAME]\n');
  process.exit(exitCodes.bad_input);
}
const commands = new CommandQueue();
process.on('message', (message) => {
  const parsed = trainerCommandSchema.safeParse(message);
  if (parsed.success) commands.push(parsed.data);
});
// a parent that is gone does not stop the run: the journal goes on, and a new parent reads it
process.on('disconnect', () => {});
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    commands.push({ type: 'stop', save: true });
    process.once(signal, () => process.exit(exitCodes.stopped));
  });
}
const at = rest.indexOf('--resume');
const reason = await runTraining(dir, {
  resume: at >= 0 ? (rest[at + 1] ?? 'latest') : null, commands,
  onEvent: (event) => {
    if (event.n === 0) { process.stderr.write(`${'error' in event ? `${event.error.message}\n${event.error.hint}` : JSON.stringify(event)}\n`); return; }
    if (process.connected) process.send?.(event, undefined, undefined, () => {});
  },
});
process.exitCode = exitCodes[reason];
if (process.connected) process.disconnect();
