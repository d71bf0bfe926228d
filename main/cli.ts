#!/usr/bin/env node
/** The `lpl` command: training, sampling, export, benchmarks, parity checks and data sets without a window. */
process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
(await import('./runtime/paths.ts')).announceBinding();
const { buildProgram } = await import('./cli/program.ts');

const argv = process.argv.slice(2);
const program = await buildProgram(argv);
const configured = argv[0] === 'train' ? (await import('./cli/configFlags.ts')).canonicalArguments(argv) : argv;
await program.parseAsync(configured, { from: 'user' });
