/** `npm test`: the same set-up as `npm start`, then every check and test; the last line counts them. */
import { installPackages } from './install.mjs';
import { runNode24 } from './node24.mjs';

installPackages();
process.exitCode = await runNode24(['scripts/check.ts', ...process.argv.slice(2)]);
