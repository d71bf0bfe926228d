/** `npm start`: installs what is missing, builds, and opens the app. */
import { installPackages } from './install.mjs';
import { runNode24 } from './node24.mjs';

installPackages();
process.exitCode = await runNode24(['scripts/start.ts', ...process.argv.slice(2)]);
