/**
 * Makes resources/runtime/<platform>-<arch>/tfjs_binding.node, so that a person needs no compiler: compiles tfjs-node-gpu's
 * sources against the headers of TensorFlow's wheel. `npm run lpl` never needs it; run `node scripts/node24.mjs scripts/build-binding.ts`
 * after changing TensorFlow's version (main/runtime/wheels.ts) or tfjs-node-gpu's.
 */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { compileBinding, linkTensorFlow, prebuiltBinding } from '../main/runtime/binding.ts';
import { downloadWheel } from '../main/runtime/download.ts';
import { appDir, tfjsDir } from '../main/runtime/paths.ts';
import { terminalReport } from '../main/runtime/report.ts';
import { unpackWheel } from '../main/runtime/unpackWheel.ts';
import { wheelFor } from '../main/runtime/wheels.ts';

const wheel = wheelFor(process.platform, process.arch, false);
if (!wheel) throw new Error(`no wheel for ${process.platform}-${process.arch}`);
const work = mkdtempSync(join(tmpdir(), 'lpl-binding-'));
try {
  const report = terminalReport();
  const file = await downloadWheel({ ...wheel, mb: wheel.wheelMb }, join(work, 'download'), report);
  const place = (name: string): string | undefined => {
    const inside = name.replace(/^tensorflow\//, '');
    return wheel.libraries.includes(inside) || /^include\/(tensorflow|tsl|xla\/tsl)\//.test(inside) ? inside : undefined;
  };
  await unpackWheel(file, join(work, 'tensorflow'), place, (done, total) => report.stage('Unpacking', done, total));
  const packageDir = join(work, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
  mkdirSync(packageDir, { recursive: true });
  cpSync(join(tfjsDir, 'binding'), join(packageDir, 'binding'), { recursive: true });
  symlinkSync(join(appDir, 'node_modules', 'node-api-headers'), join(work, 'node_modules', 'node-api-headers'));
  linkTensorFlow(packageDir, join(work, 'tensorflow'), wheel.libraries);
  mkdirSync(dirname(prebuiltBinding), { recursive: true });
  compileBinding(packageDir, prebuiltBinding);
  report.line(`Made ${prebuiltBinding}${existsSync(prebuiltBinding) ? '' : ' (missing!)'}`);
} finally { rmSync(work, { recursive: true, force: true }); }
