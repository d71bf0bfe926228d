/** The app as a person opens it: in Chromium on the loopback server, and in real Electron. */
import { _electron, chromium, type Browser, type ElectronApplication, type Page } from 'playwright-core';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { httpCore, remove, temporaryFolder } from '../api/helpers.ts';
import { electronBinary } from './electronRuntime.ts';
import { openScreen } from './xvfb.ts';

export interface OpenApp { page: Page; dataDir: string; electron?: ElectronApplication; /** what the page logged as an error, and what the policy refused */ problems: string[]; env?: Record<string, string>; close(): Promise<void> }
/** `fake`: the scripted training process instead of the engine. */
export interface AppOptions { fake?: boolean; dataDir?: string; home?: string; /** leaves the data folder there */ keepData?: boolean; /** further arguments of Electron, such as a link */ args?: string[] }

const root = join(import.meta.dirname, '..', '..');
export const fakeTrainer = join(root, 'tests', 'fixtures', 'fakeTrainer.ts');
export const chromiumFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

function watch(page: Page): string[] {
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(`error: ${error.message}`));
  page.on('console', (message) => { if (message.type() === 'error') problems.push(`console: ${message.text()}`); });
  return problems;
}

export async function inChromium({ fake = true, dataDir = temporaryFolder(), home }: AppOptions = {}): Promise<OpenApp> {
  const core = await httpCore(dataDir, [], { ...(fake ? {} : { LPL_TRAINER: '' }), ...(home ? { HOME: home } : {}) });
  const browser: Browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: chromiumFlags });
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const problems = watch(page);
  await page.goto(core.url!);
  return { page, dataDir, problems, close: async () => { await browser.close(); await core.close(); remove(dataDir); } };
}

/** Closes the app, where the test has not done so; one that asks a question instead is killed. */
async function ended(electron: ElectronApplication, child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise<void>((resolve) => { child.once('exit', () => resolve()); });
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  void electron.close().catch(() => undefined);
  await gone;
  clearTimeout(timer);
}

/** Electron 25's start hangs now and then on a busy machine; playwright then kills it, and it is started again. */
async function launched(env: Record<string, string>, more: string[], attempts = 3): Promise<ElectronApplication> {
  try { return await _electron.launch({ executablePath: electronBinary(), args: ['--no-sandbox', root, ...more], timeout: 45_000, env }); } catch (error) {
    if (attempts === 1) throw error;
    return launched(env, more, attempts - 1);
  }
}

export async function inElectron({ fake = true, dataDir = temporaryFolder(), home, keepData = false, args = [] }: AppOptions = {}): Promise<OpenApp> {
  const screen = await openScreen();
  const config = mkdtempSync(join(tmpdir(), 'lpl-config-'));
  const env = { ...process.env, HOME: home ?? config, XDG_CONFIG_HOME: config, DISPLAY: screen.display, LPL_DATA: dataDir, LPL_NODE: process.execPath, LPL_CHECK_RESULTS: '1', ...(fake ? { LPL_TRAINER: fakeTrainer } : {}) } as Record<string, string>;
  const electron = await launched(env, args);
  const child = electron.process(); // asked for now: playwright knows it no more once it has been killed
  const page = await electron.firstWindow();
  const problems = watch(page);
  const close = async (): Promise<void> => {
    await ended(electron, child);
    screen.close();
    if (!keepData) remove(dataDir);
    remove(config);
  };
  return { page, dataDir, electron, problems, env, close };
}
