/** `lpl parity` and `lpl doctor`: whether the numbers are PyTorch's, and whether this machine has what the engine needs. */
import type { Command } from 'commander';
import { command, type Action } from './command.ts';

export function addChecks(program: Command): void {
  command(program, 'parity', 'compute everything in a folder of fixtures again and compare; exit code 1 when something differs', async () => parity)
    .requiredOption('--fixtures <folder>', 'laid out as make_goldens.py writes it').option('--only <text>', 'only parts whose name contains this');
  command(program, 'doctor', 'what this machine has, whether TensorFlow works, and how fast it is', async () => doctor);
}

const parity: Action = async (output, _args, o) => {
  const { runParity } = await import('../engine/parity/index.ts');
  const onSection = (name: string, done: number, total: number): void => output.progress(`${name}${name === 'training, compiled' ? ' (minutes)' : ''}`, done, total);
  return (await runParity(String(o['fixtures']), { json: output.json, only: o['only'] as string | undefined, onSection, write: (line) => output.line(line) })) ? 0 : 1;
};

const doctor: Action = async (output) => {
  const { examine } = await import('../runtime/doctor.ts');
  const { measureSpeeds } = await import('../services/doctor.ts');
  const { dataDir } = await import('../runtime/paths.ts');
  const found = await examine(dataDir(), () => measureSpeeds());
  output.data(found);
  if (output.json) return found.ok ? 0 : 1;
  output.result(`${found.platform}, ${found.cpu}, ${found.cores} cores, ${found.memory_mb} MB; engine: ${found.backend}${found.tensorflow ? ` (TensorFlow ${found.tensorflow})` : ''}`);
  for (const c of found.checks) output.result(`${c.ok ? 'ok  ' : 'FAIL'}  ${c.name}: ${c.message}${c.hint ? `\n      ${c.hint}` : ''}`);
  for (const d of found.devices) output.result(`      ${d.name} (${d.kind})${d.memory_mb ? `, ${d.memory_mb} MB` : ''}`);
  for (const s of found.speeds) output.result(`      ${s.name}: ${s.gflops} GFLOP/s, ${s.milliseconds} ms`);
  return found.ok ? 0 : 1;
};
