/** The app as a person opens it: in Chromium on the loopback server, and in real Electron. */
import { _electron, chromium, type Browser, type ElectronApplication, type Page } from 'playwright-core';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpCore, remove, temporaryFolder } from '../api/helpers.ts';
import { electronBinary } from './electronRuntime.ts';
import { openScreen } from './xvfb.ts';

export interface OpenApp { page: Page; dataDir: string; electron?: ElectronApplication; /** what the page logged as an error, and what the policy refused */ problems: string[]; close(): Promise<void> }
/** `fake`: the scripted training process instead of the engine. */
export interface AppOptions { fake?: boolean; dataDir?: string }

const root = join(import.meta.dirname, '..', '..');
export const fakeTrainer = join(root, 'tests', 'fixtures', 'fakeTrainer.ts');
const chromiumFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(`console: ${message.text()}`); });
  return problems;
}

export async function inChromium({ fake = true, dataDir = temporaryFolder() }: AppOptions = {}): Promise<OpenApp> {
  const core = await httpCore(dataDir, [], fake ? {} : { LPL_TRAINER: '' });
  const browser: Browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const problems = watch(page);
  await page.goto(core.url!);
  return { page, dataDir, problems, close: async () => { await browser.close(); await core.close(); remove(dataDir); } };
}

export async function inElectron({ fake = true, dataDir = temporaryFolder() }: AppOptions = {}): Promise<OpenApp> {
  const screen = await openScreen();
  const home = mkdtempSync(join(tmpdir(), 'lpl-home-'));
  const electron = await _electron.launch({
    executablePath: electronBinary(), args: ['--no-sandbox', root], timeout: 60_000,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, DISPLAY: screen.display, LPL_DATA: dataDir, LPL_NODE: process.execPath, LPL_CHECK_RESULTS: '1', ...(fake ? { LPL_TRAINER: fakeTrainer } : {}) } as Record<string, string>,
  });
  const page = await electron.firstWindow();
  const problems = watch(page);
  return { page, dataDir, electron, problems, close: async () => { await electron.close(); screen.close(); remove(dataDir); remove(home); } };
}
