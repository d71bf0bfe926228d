/** Chromium for tests of the window. */
import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const candidates = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Throws, rather than skips, where there is no Chromium: the window must not go untested in silence. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = candidates.find((c): c is string => c !== undefined && existsSync(c));
  if (!executablePath) throw new Error('No Chromium was found. Install it (Debian: apt-get install chromium) or name it in CHROMIUM_PATH.');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--force-color-profile=srgb'] });
}
