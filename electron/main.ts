/** The desktop shell: one instance, one window, the core beside it. */
import { app, BrowserWindow, dialog, Menu, session } from 'electron';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { dataDir } from '../main/runtime/dataDir.ts';
import { appOrigin, registerScheme, serveApp } from './appProtocol.ts';
import { guardClosing } from './closing.ts';
import { Core } from './core.ts';
import { crashFolder, keepDumps, reportCrash, watchShell, watchWindow } from './crashes.ts';
import { linkIn, routeOf } from './deepLink.ts';
import { openDoor } from './ipc.ts';
import { buildMenu } from './menu.ts';
import { createShellCall } from './shellMethods.ts';
import { showStatus } from './status.ts';
import { createWindow, denyPermissions } from './window.ts';

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined); // nobody may be reading
app.setName('LPL Studio');
app.setPath('userData', path.join(dataDir(), 'shell')); // nothing is written anywhere else
if (process.platform === 'win32') app.setAppUserModelId('studio.lpl.app');
keepDumps();
watchShell();
registerScheme();

/** What a plain Node runs stands beside the archive in a package. */
const coreRoot = app.isPackaged ? path.join(process.resourcesPath, 'app.asar.unpacked') : app.getAppPath();

/** A real Node: the one packed beside the app; from sources, the one named by the environment or in node_modules. */
function findNode(): string {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  if (app.isPackaged) return path.join(process.resourcesPath, 'node', 'bin', name);
  const os = process.platform === 'win32' ? 'win' : process.platform;
  const places = [process.env['LPL_NODE'], path.join(coreRoot, 'node_modules', `node-${os}-${process.arch}`, 'bin', name)];
  return places.find((p) => p !== undefined && p !== '' && existsSync(p)) ?? 'node';
}

let window: BrowserWindow | null = null;
/** where a link leads that came before there was a window */
let firstRoute = routeOf(linkIn(process.argv));
function comeForward(): void {
  if (!window || window.isDestroyed()) return;
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}
function go(route: string): void {
  if (!window || window.isDestroyed()) { firstRoute = route; return; }
  comeForward();
  void window.webContents.loadURL(`${appOrigin}/index.html#${route}`);
}
function follow(link: string | undefined): void {
  const route = routeOf(link);
  if (route) go(route); else comeForward();
}

function start(): void {
  denyPermissions(session.defaultSession);
  const core = new Core(findNode(), path.join(coreRoot, 'main', 'core.ts'), {
    fatal(error) {
      dialog.showErrorBox('LPL Studio cannot start', `${error.message}\n\n${error.hint}`);
      window?.destroy();
      app.exit(1);
    },
    died: (details) => { reportCrash('core', details); },
  });
  serveApp(path.join(app.getAppPath(), 'dist', 'renderer'), core);
  openDoor(core, createShellCall(core));
  Menu.setApplicationMenu(buildMenu(go, { data: dataDir(), crashes: crashFolder() }));
  window = createWindow(firstRoute);
  watchWindow(window);
  guardClosing(window, core);
  showStatus(window, core, (id) => go(`/runs/${id}`));
  window.webContents.once('did-finish-load', () => { process.stdout.write('LPL Studio is ready: the window is open.\n'); });
}

if (!app.requestSingleInstanceLock()) app.quit();
else {
  if (app.isPackaged) app.setAsDefaultProtocolClient('lpl-studio');
  app.on('window-all-closed', () => undefined); // the core ends first: closing.ts
  app.on('second-instance', (_event, argv) => follow(linkIn(argv)));
  app.on('open-url', (_event, url) => follow(url));
  app.on('web-contents-created', (_event, contents) => contents.on('will-attach-webview', (event) => event.preventDefault()));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => { if (window && !window.isDestroyed()) window.close(); else app.quit(); });
  void app.whenReady().then(start);
}
