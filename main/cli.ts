#!/usr/bin/env node
/** The `lpl` command: training, sampling, export, benchmarks, parity checks and data sets without a window. */
process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
(await import('./runtime/paths.ts')).announceBinding();
const { buildProgram } = await import('./cli/program.ts');

const argv = process.argv.slice(2);
const program = await buildProgram(argv);
const configured = argv[0] === 'train' ? (await import('./cli/configFlags.ts')).canonicalArguments(argv) : argv;
// nobody reads any more (| head): the work goes on, a training above all
process.stdout.on('error', (error: NodeJS.ErrnoException) => { if (error.code !== 'EPIPE') throw error; });
// what the flags themselves say wrongly is found before a command has its own way of telling errors
try { await program.parseAsync(configured, { from: 'user' }); } catch (error) {
  const { openOutput } = await import('./cli/output.ts'), { exitCodes, failureReason } = await import('./engine/run/exitCodes.ts');
  process.exitCode = exitCodes[failureReason(openOutput(argv.includes('--json')).error(error))];
}
